package rig;

import java.util.List;
import java.util.Properties;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumer011;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumerBase;
import org.apache.flink.streaming.connectors.kafka.KafkaDeserializationSchema;

/** The legacy consumer of 1.11: the one for brokers from 0.11 on, since Maven Central has no universal one of 1.11.4. */
final class Consumers {
  private Consumers() {}

  static <T> FlinkKafkaConsumerBase<T> create(
      List<String> topics, KafkaDeserializationSchema<T> schema, Properties properties) {
    return new FlinkKafkaConsumer011<>(topics, schema, properties);
  }

  static <T> FlinkKafkaConsumerBase<T> create(
      List<String> topics, DeserializationSchema<T> schema, Properties properties) {
    return new FlinkKafkaConsumer011<>(topics, schema, properties);
  }
}
