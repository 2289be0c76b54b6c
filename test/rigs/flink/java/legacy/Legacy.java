package rig;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumerBase;

/** Reads with FlinkKafkaConsumer, up to 1.20, and does nothing with it but to take {@code sleep-ms} for each record. */
public final class Legacy {
  public static void main(String[] args) throws Exception {
    Arguments arguments = new Arguments(args);
    FlinkKafkaConsumerBase<String> consumer =
        Consumers.create(arguments.list("topics"), new SimpleStringSchema(), arguments.consumer());
    if (arguments.text("start").equals("earliest")) consumer.setStartFromEarliest();
    else consumer.setStartFromGroupOffsets();
    int sleepMs = arguments.number("sleep-ms");
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(1);
    environment
        .addSource(consumer)
        .name("Legacy consumer of " + arguments.text("topics") + ", whose name passes the limit of eighty characters")
        .map(
            (MapFunction<String, String>)
                record -> {
                  Thread.sleep(sleepMs);
                  return record;
                })
        .disableChaining()
        .name("slow");
    environment.execute(arguments.text("name"));
  }
}
