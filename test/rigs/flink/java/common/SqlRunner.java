package rig;

import java.util.Locale;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs a script of SQL, its only argument, through the Table API of every Flink since 1.11. Flink's own SQL client cannot
 * do it everywhere: it learned to run files with 1.13, and from 1.17 on it needs the gateway, which PyPI does not have.
 *
 * <p>{@code SET 'k' = 'v';} goes to the settings, and {@code BEGIN STATEMENT SET; ... END;} makes one job of what is
 * between.
 */
public final class SqlRunner {
  public static void main(String[] args) throws Exception {
    String script = args[0].replaceAll("(?m)^\\s*--.*$", "");
    TableEnvironment tables =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().build());
    StatementSet together = null;
    for (String raw : script.split(";\\s*(\\n|$)")) {
      String statement = raw.trim();
      String upper = statement.toUpperCase(Locale.ROOT);
      if (statement.isEmpty()) continue;
      if (upper.startsWith("SET ")) {
        String[] setting = statement.substring("SET ".length()).split("=", 2);
        tables.getConfig().getConfiguration().setString(unquoted(setting[0]), unquoted(setting[1]));
      } else if (upper.equals("BEGIN STATEMENT SET")) {
        together = tables.createStatementSet();
      } else if (upper.equals("END")) {
        together.execute();
        together = null;
      } else if (together != null) {
        together.addInsertSql(statement);
      } else {
        tables.executeSql(statement);
      }
    }
  }

  private static String unquoted(String text) {
    String trimmed = text.trim();
    return trimmed.startsWith("'") ? trimmed.substring(1, trimmed.length() - 1) : trimmed;
  }
}
