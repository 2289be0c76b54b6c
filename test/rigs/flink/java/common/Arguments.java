package rig;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** What a job was started with: {@code key=value}, each an argument of its own. */
public final class Arguments {
  private final Map<String, String> values = new HashMap<>();

  public Arguments(String[] args) {
    for (String argument : args) {
      int split = argument.indexOf('=');
      values.put(argument.substring(0, split), argument.substring(split + 1));
    }
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  public String text(String key) {
    if (!has(key)) throw new IllegalArgumentException("Read argument \"" + key + "\": not given");
    return values.get(key);
  }

  public int number(String key) {
    return Integer.parseInt(text(key));
  }

  public List<String> list(String key) {
    return Arrays.asList(text(key).split(","));
  }

  /** For a Kafka consumer: the brokers, and the group if there is one. */
  public Properties consumer() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", text("bootstrap"));
    if (has("group")) properties.put("group.id", text("group"));
    return properties;
  }
}
