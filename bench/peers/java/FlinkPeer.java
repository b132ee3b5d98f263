// Flink as a peer that is asked for one job after the other, as those in Python are: a line of JSON with `n`, a line of JSON with its times. A job is a running sum of one item, by key, in a cluster of this process.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

public class FlinkPeer {
  /** The microseconds until the first result; the end of the job is not in them. */
  static double first() throws Exception {
    long begun = System.nanoTime();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    try (CloseableIterator<Integer> results = environment.fromData(7).keyBy(event -> "all").reduce(Integer::sum).executeAndCollect()) {
      int result = results.next();
      double time = (System.nanoTime() - begun) / 1e3;
      if (result != 7) {
        throw new IllegalStateException("a job answered " + result);
      }
      return time;
    }
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream output = System.out;
    // Only answers go to the output.
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      Matcher found = Pattern.compile("\"n\":(\\d+)").matcher(line);
      if (!found.find()) {
        throw new IllegalArgumentException(line);
      }
      double[] times = new double[Integer.parseInt(found.group(1))];
      for (int at = 0; at < times.length; at++) {
        times[at] = first();
      }
      Arrays.sort(times);
      output.printf(
          "{\"count\":%d,\"last\":7,\"p50\":%s,\"p95\":%s,\"p99\":%s,\"max\":%s}%n",
          times.length, at(times, 0.5), at(times, 0.95), at(times, 0.99), at(times, 1));
      output.flush();
    }
    System.exit(0);
  }

  static double at(double[] times, double share) {
    return times[Math.min((int) (times.length * share), times.length - 1)];
  }
}
