package rig;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Paths;

/**
 * Holds records up as a file says, which is looked at for every record: {@code closed} until the file is gone or says
 * something else, a number for so many milliseconds. Without the file it is open.
 */
final class Gate implements Serializable {
  private static final long LOOK_EVERY_MS = 20;
  private static final long serialVersionUID = 1;

  private final String file;

  Gate(String file) {
    this.file = file;
  }

  void pass() throws IOException, InterruptedException {
    String said = said();
    while (said.equals("closed")) {
      Thread.sleep(LOOK_EVERY_MS);
      said = said();
    }
    if (!said.isEmpty()) Thread.sleep(Long.parseLong(said));
  }

  private String said() throws IOException {
    try {
      return new String(Files.readAllBytes(Paths.get(file)), StandardCharsets.UTF_8).trim();
    } catch (NoSuchFileException none) {
      return "";
    }
  }
}
