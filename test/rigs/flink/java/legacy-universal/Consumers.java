package rig;

import java.util.List;
import java.util.Properties;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumer;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumerBase;
import org.apache.flink.streaming.connectors.kafka.KafkaDeserializationSchema;

/** The legacy consumer of 1.12 to 1.20. */
final class Consumers {
  private Consumers() {}

  static <T> FlinkKafkaConsumerBase<T> create(
      List<String> topics, KafkaDeserializationSchema<T> schema, Properties properties) {
    return new FlinkKafkaConsumer<>(topics, schema, properties);
  }

  static <T> FlinkKafkaConsumerBase<T> create(
      List<String> topics, DeserializationSchema<T> schema, Properties properties) {
    return new FlinkKafkaConsumer<>(topics, schema, properties);
  }
}
