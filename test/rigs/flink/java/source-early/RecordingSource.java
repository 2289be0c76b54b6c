package rig;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.BasicTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The recording job on KafkaSource of 1.12, whose deserializer has another name. */
public final class RecordingSource {
  public static void main(String[] args) throws Exception {
    Arguments arguments = new Arguments(args);
    KafkaSource<String> source =
        KafkaSource.<String>builder()
            .setProperties(arguments.consumer())
            .setTopics(arguments.list("topics"))
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new Places())
            .build();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setParallelism(arguments.number("parallelism"));
    Recorder.record(
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), arguments.text("source-name")), arguments);
    environment.execute(arguments.text("name"));
  }

  private static final class Places implements KafkaRecordDeserializer<String> {
    private static final long serialVersionUID = 1;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<String> out) {
      out.collect(record.topic() + "\t" + record.partition() + "\t" + record.offset());
    }

    @Override
    public TypeInformation<String> getProducedType() {
      return BasicTypeInfo.STRING_TYPE_INFO;
    }
  }
}
