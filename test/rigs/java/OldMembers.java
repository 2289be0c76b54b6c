import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/**
 * A member for each of many groups, on the clients of a Kafka that the clients of today cannot speak to (0.9, 0.10.0).
 * They read and never commit. Arguments: bootstrap, topics separated by commas, groups. Prints READY when every member
 * has an assignment; at the next byte, or the end, of standard input they leave their groups and it ends.
 */
public final class OldMembers {
  private static volatile boolean stays = true;

  public static void main(String[] args) throws Exception {
    List<String> topics = Arrays.asList(args[1].split(","));
    CountDownLatch joined = new CountDownLatch(args.length - 2);
    List<Thread> members = new ArrayList<>();
    for (int index = 2; index < args.length; index++) members.add(member(args[0], topics, args[index], joined));
    for (Thread member : members) member.start();
    joined.await();
    System.out.println("READY");
    System.in.read();
    stays = false;
    for (Thread member : members) member.join(20_000);
    Runtime.getRuntime().halt(0);
  }

  private static Thread member(String bootstrap, List<String> topics, String group, CountDownLatch joined) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("group.id", group);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "earliest");
    properties.put("session.timeout.ms", "20000");
    properties.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    properties.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    return new Thread(() -> {
      KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties);
      consumer.subscribe(topics);
      boolean isIn = false;
      while (stays) {
        consumer.poll(200);
        if (!isIn && !consumer.assignment().isEmpty()) {
          isIn = true;
          joined.countDown();
        }
      }
      consumer.close();
    });
  }
}
