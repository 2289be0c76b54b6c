import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.yarn.api.records.FinalApplicationStatus;
import org.apache.hadoop.yarn.client.api.AMRMClient;
import org.apache.hadoop.yarn.conf.YarnConfiguration;

/**
 * An ApplicationMaster that does nothing but what YARN wants of one: YarnMaster host port url file. It registers with
 * that address and tracking URL, and ends when the file appears, which it deletes: well when it says "finish", else with
 * exit code 3.
 */
public class YarnMaster {
  public static void main(String[] args) throws Exception {
    AMRMClient<AMRMClient.ContainerRequest> manager = AMRMClient.createAMRMClient();
    manager.init(new YarnConfiguration());
    manager.start();
    manager.registerApplicationMaster(args[0], Integer.parseInt(args[1]), args[2]);
    Path order = Path.of(args[3]);
    for (;;) {
      manager.allocate(0.5f);
      if (Files.exists(order)) {
        String what = Files.readString(order);
        Files.delete(order);
        if (!what.equals("finish")) System.exit(3);
        manager.unregisterApplicationMaster(FinalApplicationStatus.SUCCEEDED, "told to finish", args[2]);
        System.exit(0);
      }
      Thread.sleep(300);
    }
  }
}
