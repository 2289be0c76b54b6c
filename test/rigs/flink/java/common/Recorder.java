package rig;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.BasicTypeInfo;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * Chained right behind a source whose records are {@code topic TAB partition TAB offset}: writes each down before
 * anything else is done with it, so that where the source stands is known without its gauges.
 *
 * <p>One file a subtask, {@code records-RUN-SUBTASK.tsv}, which its attempts share; the number RUN grows with every run of
 * the main method. A line is {@code given} or {@code restored}, topic, partition, offset of the last record, attempt,
 * milliseconds since 1970 of now, and of when this attempt of the subtask began; {@code restored} stands for what the
 * checkpoint held from which it began. A line is one write, so that none is lost with the process.
 */
final class Recorder extends RichMapFunction<String, String> implements CheckpointedFunction {
  private static final long serialVersionUID = 1;

  private final String folder;
  private final Gate gate;
  private final String ballast;
  private final long run = System.currentTimeMillis();
  private transient Map<String, Long> last;
  private transient ListState<String> saved;
  private transient FileOutputStream file;
  private transient int attempt;
  private transient long began;

  private Recorder(String folder, int recordBytes) {
    this.folder = folder;
    this.gate = new Gate(folder + "/source-gate");
    this.ballast = "x".repeat(recordBytes);
  }

  /**
   * Adds the recorder and, as a task of its own, a gate behind it. What is sent between the two is {@code record-bytes}
   * long, so that the buffers there are full after a hundred records and not after ten thousand.
   */
  static void record(DataStream<String> records, Arguments arguments) {
    String folder = arguments.text("folder");
    Gate behind = new Gate(folder + "/sink-gate");
    records
        .map(new Recorder(folder, arguments.number("record-bytes")))
        .name("record")
        .map(
            (MapFunction<String, String>)
                record -> {
                  behind.pass();
                  return record;
                })
        .disableChaining()
        .name("behind");
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    RuntimeContext runtime = getRuntimeContext();
    String name = "records-" + run + "-" + task(runtime, "getIndexOfThisSubtask") + ".tsv";
    file = new FileOutputStream(folder + "/" + name, true);
    attempt = task(runtime, "getAttemptNumber");
    began = System.currentTimeMillis();
    last = new HashMap<>();
    // All subtasks get everything back, since a partition may come to another one. What several say of it differs only
    // by how long ago they read it: the owner is furthest.
    saved =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("positions", BasicTypeInfo.STRING_TYPE_INFO));
    for (String line : saved.get()) {
      int split = line.lastIndexOf('\t');
      last.merge(line.substring(0, split), Long.parseLong(line.substring(split + 1)), Math::max);
    }
    if (context.isRestored()) for (String line : lines()) write("restored", line);
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    saved.clear();
    for (String line : lines()) saved.add(line);
  }

  @Override
  public String map(String record) throws Exception {
    write("given", record);
    int split = record.lastIndexOf('\t');
    last.put(record.substring(0, split), Long.parseLong(record.substring(split + 1)));
    gate.pass();
    return ballast;
  }

  @Override
  public void close() throws IOException {
    if (file != null) file.close();
  }

  private Iterable<String> lines() {
    return last.entrySet().stream().map(entry -> entry.getKey() + "\t" + entry.getValue())::iterator;
  }

  private void write(String kind, String line) throws IOException {
    String times = System.currentTimeMillis() + "\t" + began;
    String text = kind + "\t" + line + "\t" + attempt + "\t" + times + "\n";
    file.write(text.getBytes(StandardCharsets.UTF_8));
  }

  // Moved from the context itself to its task info in 1.20, and is gone from the former in 2.0.
  private static int task(RuntimeContext context, String getter) throws ReflectiveOperationException {
    try {
      Object info = RuntimeContext.class.getMethod("getTaskInfo").invoke(context);
      return (int) Class.forName("org.apache.flink.api.common.TaskInfo").getMethod(getter).invoke(info);
    } catch (NoSuchMethodException older) {
      return (int) RuntimeContext.class.getMethod(getter).invoke(context);
    }
  }
}
