package rig;

import org.apache.flink.api.common.typeinfo.BasicTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumerBase;
import org.apache.flink.streaming.connectors.kafka.KafkaDeserializationSchema;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The recording job on FlinkKafkaConsumer, up to 1.20. */
public final class RecordingLegacy {
  public static void main(String[] args) throws Exception {
    Arguments arguments = new Arguments(args);
    FlinkKafkaConsumerBase<String> consumer =
        Consumers.create(arguments.list("topics"), new Places(), arguments.consumer());
    consumer.setStartFromEarliest();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(arguments.number("parallelism"));
    Recorder.record(environment.addSource(consumer).name(arguments.text("source-name")), arguments);
    environment.execute(arguments.text("name"));
  }

  private static final class Places implements KafkaDeserializationSchema<String> {
    private static final long serialVersionUID = 1;

    @Override
    public boolean isEndOfStream(String record) {
      return false;
    }

    @Override
    public String deserialize(ConsumerRecord<byte[], byte[]> record) {
      return record.topic() + "\t" + record.partition() + "\t" + record.offset();
    }

    @Override
    public TypeInformation<String> getProducedType() {
      return BasicTypeInfo.STRING_TYPE_INFO;
    }
  }
}
