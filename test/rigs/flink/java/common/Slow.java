package rig;

import org.apache.flink.table.functions.ScalarFunction;

/** {@code slow(id, ms)} in SQL: {@code id}, after so many milliseconds. */
public final class Slow extends ScalarFunction {
  public String eval(String id, Integer ms) throws InterruptedException {
    Thread.sleep(ms);
    return id;
  }
}
