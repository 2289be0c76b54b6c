import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * One long-lived process that does with the Java clients what a test asks for, because a JVM per action costs a second.
 * The only argument is a properties file for every client.
 *
 * <p>A request is one line of fields separated by tabs: a number, a command, its arguments. Strings are base64 of
 * UTF-8, since names of groups may hold anything. The answer is one line: the same number, OK or ERR, then fields or
 * the message. Requests run side by side. The process ends with its standard input.
 */
public final class Rig {
  private static final long LIMIT_SECONDS = 60;
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration CALL = Duration.ofSeconds(30);
  private static final int COMMITS_IN_FLIGHT = 200;

  interface Command {
    void run(Fields in, Answer out) throws Exception;
  }

  private final Properties common;
  private final Admin admin;
  private final KafkaProducer<String, String> producer;
  private final Map<String, KafkaProducer<String, String>> transactions = new ConcurrentHashMap<>();
  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private final Map<String, Command> commands = new HashMap<>();

  private Rig(Properties common) {
    this.common = common;
    admin = Admin.create(with("default.api.timeout.ms", "50000", "request.timeout.ms", "20000"));
    producer = producer(Map.of("linger.ms", "5"));
    commands.put("createTopics", this::createTopics);
    commands.put("deleteTopics", this::deleteTopics);
    commands.put("deleteRecords", this::deleteRecords);
    commands.put("deleteGroups", this::deleteGroups);
    commands.put("produce", this::produce);
    commands.put("commit", this::commit);
    commands.put("transaction", this::transaction);
    commands.put("endTransaction", this::endTransaction);
    commands.put("consume", this::consume);
    commands.put("hold", this::hold);
    commands.put("release", this::release);
    commands.put("allow", this::allow);
    commands.put("ends", this::ends);
    commands.put("committed", this::committed);
    commands.putAll(newerCommands(common));
  }

  /** What only clients from 4.0 can do stands in a class of its own, which older ones could not compile. */
  @SuppressWarnings("unchecked")
  private static Map<String, Command> newerCommands(Properties common) {
    try {
      Class<?> newer = Class.forName("NewerGroups");
      return (Map<String, Command>) newer.getDeclaredMethod("commands", Properties.class).invoke(null, common);
    } catch (ClassNotFoundException old) {
      return Map.of();
    } catch (ReflectiveOperationException broken) {
      throw new IllegalStateException(broken);
    }
  }

  public static void main(String[] args) throws Exception {
    Properties common = new Properties();
    try (FileReader file = new FileReader(args[0], StandardCharsets.UTF_8)) {
      common.load(file);
    }
    Rig rig = new Rig(common);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var workers = Executors.newCachedThreadPool();
    out.println("READY");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Fields fields = new Fields(line);
      workers.execute(() -> {
        String answer = rig.answer(fields);
        synchronized (out) {
          out.println(answer);
        }
      });
    }
    Runtime.getRuntime().halt(0);
  }

  private String answer(Fields in) {
    String number = in.word();
    try {
      Answer out = new Answer();
      commands.get(in.word()).run(in, out);
      return String.join("\t", number, "OK", out.text());
    } catch (Throwable thrown) {
      Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
      return String.join("\t", number, "ERR", encode(cause.toString()));
    }
  }

  /** Rows of name, partitions, number of configuration pairs, pairs. Returns when every partition has a leader. */
  private void createTopics(Fields in, Answer out) throws Exception {
    List<NewTopic> topics = new ArrayList<>();
    while (in.hasMore()) {
      NewTopic topic = new NewTopic(in.string(), (int) in.number(), (short) in.number());
      Map<String, String> configs = new HashMap<>();
      for (long left = in.number(); left > 0; left--) configs.put(in.string(), in.string());
      topics.add(topic.configs(configs));
    }
    await(admin.createTopics(topics).all());
    List<String> names = topics.stream().map(NewTopic::name).toList();
    waitUntil("leaders of new topics", () -> haveLeaders(names));
  }

  private boolean haveLeaders(List<String> names) throws Exception {
    try {
      for (TopicDescription topic : await(admin.describeTopics(names).allTopicNames()).values())
        for (var partition : topic.partitions())
          if (partition.leader() == null || partition.leader().isEmpty()) return false;
      return true;
    } catch (ExecutionException notYet) {
      if (notYet.getCause() instanceof UnknownTopicOrPartitionException) return false;
      throw notYet;
    }
  }

  /** Rows of name. Returns when the broker names none of them any more. */
  private void deleteTopics(Fields in, Answer out) throws Exception {
    List<String> names = in.strings();
    await(admin.deleteTopics(names).all());
    waitUntil("end of deleted topics", () -> await(admin.listTopics().names()).stream().noneMatch(names::contains));
  }

  /** Topic, partition, offset: the log starts there afterwards. */
  private void deleteRecords(Fields in, Answer out) throws Exception {
    TopicPartition partition = in.partition();
    await(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(in.number()))).all());
  }

  private void deleteGroups(Fields in, Answer out) throws Exception {
    await(admin.deleteConsumerGroups(in.strings()).all());
  }

  /** Rows of topic, partition, number of records, number of distinct keys (0: no key), timestamp (-1: now). */
  private void produce(Fields in, Answer out) throws Exception {
    List<Future<?>> sent = new ArrayList<>();
    while (in.hasMore()) {
      TopicPartition partition = in.partition();
      long count = in.number();
      long keys = in.number();
      long timestamp = in.number();
      for (long index = 0; index < count; index++) {
        String key = keys == 0 ? null : "k" + index % keys;
        sent.add(producer.send(record(partition, key, "v" + index, timestamp < 0 ? null : timestamp)));
      }
    }
    producer.flush();
    for (Future<?> future : sent) future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  /** Rows of group, topic, partition, offset. Without membership, so that any group name will do. */
  private void commit(Fields in, Answer out) throws Exception {
    Map<String, Map<TopicPartition, OffsetAndMetadata>> groups = new LinkedHashMap<>();
    while (in.hasMore()) {
      var positions = groups.computeIfAbsent(in.string(), group -> new HashMap<>());
      positions.put(in.partition(), new OffsetAndMetadata(in.number()));
    }
    Semaphore free = new Semaphore(COMMITS_IN_FLIGHT);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (var group : groups.entrySet()) {
      take(free, 1);
      admin.alterConsumerGroupOffsets(group.getKey(), group.getValue()).all().whenComplete((done, thrown) -> {
        if (thrown != null) failure.compareAndSet(null, thrown);
        free.release();
      });
    }
    take(free, COMMITS_IN_FLIGHT);
    if (failure.get() != null) throw new ExecutionException(failure.get());
  }

  /** Topic, partition, number of records, commit|abort|open. Answers the name of the transaction. */
  private void transaction(Fields in, Answer out) throws Exception {
    TopicPartition partition = in.partition();
    long count = in.number();
    String end = in.word();
    String name = UUID.randomUUID().toString();
    var transactional = producer(Map.of("transactional.id", name, "transaction.timeout.ms", "600000"));
    transactional.initTransactions();
    transactional.beginTransaction();
    for (long index = 0; index < count; index++) transactional.send(record(partition, null, "t" + index, null));
    transactional.flush();
    transactions.put(name, transactional);
    if (!end.equals("open")) endTransaction(name, end);
    out.string(name);
  }

  private void endTransaction(Fields in, Answer out) {
    endTransaction(in.string(), in.word());
  }

  private void endTransaction(String name, String end) {
    try (var transactional = transactions.remove(name)) {
      if (end.equals("commit")) transactional.commitTransaction();
      else transactional.abortTransaction();
    }
  }

  /** Protocol, isolation, group, topic, number of records: takes exactly so many, commits that, leaves. */
  private void consume(Fields in, Answer out) throws Exception {
    String protocol = in.word();
    String isolation = in.word();
    String group = in.string();
    String topic = in.string();
    long count = in.number();
    long taken = 0;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS / 2);
    Map<TopicPartition, OffsetAndMetadata> positions = new LinkedHashMap<>();
    try (var consumer = consumer(protocol, group, isolation)) {
      consumer.subscribe(List.of(topic));
      while (taken < count) {
        if (System.nanoTime() > deadline) throw new TimeoutException("Only " + taken + " of " + count + " records");
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
          if (taken == count) break;
          taken++;
          positions.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
      }
      consumer.commitSync(positions);
    }
    positions.forEach((partition, offset) -> out.partition(partition).number(offset.offset()));
  }

  /** Protocol, group, topic. Answers the name of a member that stays, reads nothing and commits nothing. */
  private void hold(Fields in, Answer out) throws Exception {
    Member member = new Member(consumer(in.word(), in.string(), "read_uncommitted"), in.string());
    member.start();
    member.awaitJoined();
    String name = UUID.randomUUID().toString();
    members.put(name, member);
    out.string(name);
  }

  private void release(Fields in, Answer out) throws Exception {
    members.remove(in.string()).leave();
  }

  /** Principal, resource type, resource name, operation. */
  private void allow(Fields in, Answer out) throws Exception {
    String principal = in.string();
    var resource = new ResourcePattern(ResourceType.fromString(in.word()), in.string(), PatternType.LITERAL);
    var entry = new AccessControlEntry(principal, "*", AclOperation.fromString(in.word()), AclPermissionType.ALLOW);
    await(admin.createAcls(List.of(new AclBinding(resource, entry))).all());
  }

  /** Answers rows of topic, partition, log start, end, end of what is stable, for every topic that is not internal. */
  private void ends(Fields in, Answer out) throws Exception {
    List<TopicPartition> partitions = new ArrayList<>();
    Set<String> names = await(admin.listTopics().names());
    for (TopicDescription topic : await(admin.describeTopics(names).allTopicNames()).values())
      for (var partition : topic.partitions()) partitions.add(new TopicPartition(topic.name(), partition.partition()));
    Map<TopicPartition, Long> starts;
    Map<TopicPartition, Long> ends;
    try (var consumer = consumer("classic", null, "read_uncommitted")) {
      starts = consumer.beginningOffsets(partitions, CALL);
      ends = consumer.endOffsets(partitions, CALL);
    }
    Map<TopicPartition, Long> stable = stableEnds(partitions);
    for (TopicPartition partition : partitions) {
      out.partition(partition).number(starts.get(partition)).number(ends.get(partition));
      if (stable.isEmpty()) out.none();
      else out.number(stable.get(partition));
    }
  }

  // Brokers before 0.11 know no transactions and cannot be asked.
  private Map<TopicPartition, Long> stableEnds(List<TopicPartition> partitions) {
    try (var consumer = consumer("classic", null, "read_committed")) {
      return consumer.endOffsets(partitions, CALL);
    } catch (UnsupportedVersionException old) {
      return Map.of();
    }
  }

  /** Groups. Answers rows of group, topic, partition, offset. */
  private void committed(Fields in, Answer out) throws Exception {
    Map<String, KafkaFuture<Map<TopicPartition, OffsetAndMetadata>>> asked = new LinkedHashMap<>();
    for (String group : in.strings())
      asked.put(group, admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    for (var group : asked.entrySet())
      for (var position : await(group.getValue()).entrySet())
        if (position.getValue() != null)
          out.string(group.getKey()).partition(position.getKey()).number(position.getValue().offset());
  }

  private KafkaProducer<String, String> producer(Map<String, String> extra) {
    Properties properties = with("acks", "all", "max.block.ms", "50000", "delivery.timeout.ms", "55000");
    // A partition that was just created may refuse the first batch and take the second, after which the first is out of
    // order until its time is over (KAFKA-15591).
    properties.put("max.in.flight.requests.per.connection", "1");
    properties.putAll(extra);
    return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
  }

  private KafkaConsumer<String, String> consumer(String protocol, String group, String isolation) {
    Properties properties = with("enable.auto.commit", "false", "auto.offset.reset", "earliest");
    if (group != null) properties.put("group.id", group);
    properties.put("isolation.level", isolation);
    properties.put("group.protocol", protocol);
    if (protocol.equals("classic")) properties.put("session.timeout.ms", "6000");
    return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
  }

  private Properties with(String... pairs) {
    Properties properties = new Properties();
    for (int index = 0; index < pairs.length; index += 2) properties.put(pairs[index], pairs[index + 1]);
    properties.putAll(common);
    return properties;
  }

  private static ProducerRecord<String, String> record(TopicPartition to, String key, String value, Long timestamp) {
    return new ProducerRecord<>(to.topic(), to.partition(), timestamp, key, value);
  }

  private static <T> T await(KafkaFuture<T> future) throws Exception {
    return future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  private static void take(Semaphore semaphore, int permits) throws Exception {
    if (!semaphore.tryAcquire(permits, LIMIT_SECONDS, TimeUnit.SECONDS)) throw new TimeoutException("Commits hang");
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void waitUntil(String what, Condition condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) throw new TimeoutException("No " + what + " in " + LIMIT_SECONDS + " s");
      Thread.sleep(50);
    }
  }

  private static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A consumer that polls in a thread of its own, because it must not be touched from another. */
  private static final class Member extends Thread implements ConsumerRebalanceListener {
    private final KafkaConsumer<String, String> consumer;
    private final CountDownLatch joined = new CountDownLatch(1);
    private volatile boolean stays = true;
    private volatile Throwable failure;

    Member(KafkaConsumer<String, String> consumer, String topic) {
      this.consumer = consumer;
      setDaemon(true);
      consumer.subscribe(List.of(topic), this);
    }

    @Override
    public void run() {
      try (consumer) {
        while (stays) consumer.poll(POLL);
      } catch (Throwable thrown) {
        failure = thrown;
        joined.countDown();
      }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      consumer.pause(partitions);
      joined.countDown();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}

    void awaitJoined() throws Exception {
      boolean inTime = joined.await(LIMIT_SECONDS / 2, TimeUnit.SECONDS);
      if (inTime && failure == null) return;
      stays = false;
      throw failure == null ? new TimeoutException("The member got no assignment") : new ExecutionException(failure);
    }

    void leave() throws Exception {
      stays = false;
      join(TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
    }
  }

  /** The fields of a request, read one after the other. */
  static final class Fields {
    private final String[] fields;
    private int next = 0;

    Fields(String line) {
      fields = line.split("\t", -1);
    }

    boolean hasMore() {
      return next < fields.length;
    }

    String word() {
      return fields[next++];
    }

    String string() {
      return new String(Base64.getDecoder().decode(word()), StandardCharsets.UTF_8);
    }

    List<String> strings() {
      List<String> strings = new ArrayList<>();
      while (hasMore()) strings.add(string());
      return strings;
    }

    long number() {
      return Long.parseLong(word());
    }

    TopicPartition partition() {
      return new TopicPartition(string(), (int) number());
    }
  }

  /** The fields of an answer. */
  static final class Answer {
    private final List<String> fields = new ArrayList<>();

    Answer string(String value) {
      fields.add(encode(value));
      return this;
    }

    Answer number(long value) {
      fields.add(Long.toString(value));
      return this;
    }

    Answer none() {
      fields.add("");
      return this;
    }

    Answer partition(TopicPartition partition) {
      return string(partition.topic()).number(partition.partition());
    }

    String text() {
      return String.join("\t", fields);
    }
  }
}
