import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Repartitioned;

/** Members of the groups that came with 4.x: share groups (KIP-932) and streams groups (KIP-1071). */
final class NewerGroups {
  private static final long LIMIT_SECONDS = 60;
  private static final Duration POLL = Duration.ofMillis(200);

  private final Properties common;
  private final Map<String, KafkaShareConsumer<String, String>> sharing = new ConcurrentHashMap<>();
  private final Map<String, KafkaStreams> streaming = new ConcurrentHashMap<>();

  private NewerGroups(Properties common) {
    this.common = common;
  }

  static Map<String, Rig.Command> commands(Properties common) {
    NewerGroups groups = new NewerGroups(common);
    Map<String, Rig.Command> commands = new HashMap<>();
    commands.put("share", groups::share);
    commands.put("take", groups::take);
    commands.put("leaveShare", groups::leaveShare);
    commands.put("stream", groups::stream);
    commands.put("stopStream", groups::stopStream);
    return commands;
  }

  /**
   * Group, topic. Answers the name of a member of a share group that begins at the start of the log. It takes nothing
   * until it is told to: a record that is given back too often counts as finished.
   */
  private void share(Rig.Fields in, Rig.Answer out) throws Exception {
    String group = in.string();
    String topic = in.string();
    beginAtTheStart(group);
    Properties properties = with("group.id", group, "share.acknowledgement.mode", "explicit");
    var consumer = new KafkaShareConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(topic));
    String name = UUID.randomUUID().toString();
    sharing.put(name, consumer);
    out.string(name);
  }

  private void beginAtTheStart(String group) throws Exception {
    try (Admin admin = Admin.create(common)) {
      var resource = new ConfigResource(ConfigResource.Type.GROUP, group);
      var earliest = new ConfigEntry("share.auto.offset.reset", "earliest");
      admin
          .incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(earliest, AlterConfigOp.OpType.SET))))
          .all()
          .get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }
  }

  /** Name, number of records to skip, number of records to accept after these; all others are given back. */
  private void take(Rig.Fields in, Rig.Answer out) throws Exception {
    var consumer = sharing.get(in.string());
    long skip = in.number();
    long count = in.number();
    long seen = 0;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS / 2);
    do {
      if (System.nanoTime() > deadline) throw new TimeoutException("Only " + seen + " of " + (skip + count) + " records");
      for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
        boolean accepts = seen >= skip && seen < skip + count;
        consumer.acknowledge(record, accepts ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE);
        seen++;
      }
      var failures = consumer.commitSync();
      for (var failure : failures.values()) if (failure.isPresent()) throw failure.get();
    } while (seen < skip + count);
  }

  private void leaveShare(Rig.Fields in, Rig.Answer out) {
    sharing.remove(in.string()).close();
  }

  /**
   * Group, topic, number of partitions of a topic in between. Answers the name of an application that reads the topic,
   * writes it into a topic of its own and reads that; it runs when this returns.
   */
  private void stream(Rig.Fields in, Rig.Answer out) throws Exception {
    String group = in.string();
    String topic = in.string();
    int between = (int) in.number();
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(topic, Consumed.with(Serdes.String(), Serdes.String()))
        .repartition(Repartitioned.with(Serdes.String(), Serdes.String()).withName("between").withNumberOfPartitions(between))
        .foreach((key, value) -> {});
    Properties properties =
        with(
            "application.id", group,
            "group.protocol", "streams",
            "commit.interval.ms", "100",
            "num.stream.threads", "1",
            "auto.offset.reset", "earliest",
            "state.dir", System.getProperty("java.io.tmpdir") + "/lagkeeper-streams-" + UUID.randomUUID());
    KafkaStreams streams = new KafkaStreams(builder.build(), properties);
    CountDownLatch running = new CountDownLatch(1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    streams.setUncaughtExceptionHandler(thrown -> {
      failure.set(thrown);
      running.countDown();
      return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) running.countDown();
    });
    streams.start();
    String name = UUID.randomUUID().toString();
    streaming.put(name, streams);
    if (!running.await(LIMIT_SECONDS, TimeUnit.SECONDS)) throw new TimeoutException("The application is " + streams.state());
    if (failure.get() != null) throw new ExecutionException(failure.get());
    out.string(name);
  }

  private void stopStream(Rig.Fields in, Rig.Answer out) {
    streaming.remove(in.string()).close(Duration.ofSeconds(LIMIT_SECONDS / 2));
  }

  private Properties with(String... pairs) {
    Properties properties = new Properties();
    for (int index = 0; index < pairs.length; index += 2) properties.put(pairs[index], pairs[index + 1]);
    properties.putAll(common);
    return properties;
  }
}
