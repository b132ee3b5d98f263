// One running sum in a job of Apache Flink: a result is handed out when a checkpoint that has it is complete, and a process that begins finds the last one. Talks as every contestant of kills.mjs does, in lines.
// An event is in the queue of this process until then, which nothing keeps: whoever sent it has no result yet.
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;

public class FlinkSums {
  static final LinkedBlockingQueue<Integer> EVENTS = new LinkedBlockingQueue<>();
  static final LinkedBlockingQueue<Integer> RESULTS = new LinkedBlockingQueue<>();
  static final CountDownLatch RUNS = new CountDownLatch(1);

  public static class Events implements SourceFunction<Integer> {
    public void run(SourceContext<Integer> context) throws Exception {
      RUNS.countDown();
      while (true) {
        Integer event = EVENTS.take();
        synchronized (context.getCheckpointLock()) {
          context.collect(event);
        }
      }
    }

    public void cancel() {}
  }

  /** Keeps results until the checkpoint that covers them is complete. */
  public static class Kept implements SinkFunction<Integer>, CheckpointedFunction, CheckpointListener {
    private transient ArrayDeque<Integer> fresh;
    private transient TreeMap<Long, ArrayDeque<Integer>> covered;

    public void initializeState(FunctionInitializationContext context) {
      fresh = new ArrayDeque<>();
      covered = new TreeMap<>();
    }

    public void invoke(Integer sum, Context context) {
      fresh.add(sum);
    }

    public void snapshotState(FunctionSnapshotContext context) {
      covered.put(context.getCheckpointId(), fresh);
      fresh = new ArrayDeque<>();
    }

    public void notifyCheckpointComplete(long checkpoint) {
      while (!covered.isEmpty() && covered.firstKey() <= checkpoint) {
        RESULTS.addAll(covered.pollFirstEntry().getValue());
      }
    }
  }

  /** The newest complete checkpoint below a folder. */
  static Optional<File> newest(File folder) {
    File[] jobs = folder.listFiles(File::isDirectory);
    return Arrays.stream(jobs == null ? new File[0] : jobs)
        .flatMap(job -> Arrays.stream(job.listFiles((in, name) -> name.startsWith("chk-"))))
        .filter(found -> new File(found, "_metadata").exists())
        .max(Comparator.comparingLong(found -> new File(found, "_metadata").lastModified()));
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream output = System.out;
    // Only answers go to the output.
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    File folder = new File(arguments[0]);
    Configuration configuration = new Configuration();
    configuration.setString("execution.checkpointing.dir", folder.toURI().toString());
    configuration.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
    // The least that it takes.
    configuration.setString("execution.checkpointing.interval", "10 ms");
    newest(folder).ifPresent(found -> configuration.setString("execution.state-recovery.path", found.toURI().toString()));
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    environment
        .addSource(new Events(), Types.INT)
        .uid("events")
        .keyBy(event -> "session")
        .reduce(Integer::sum)
        .uid("sums")
        .addSink(new Kept())
        .uid("kept");
    environment.executeAsync();
    RUNS.await();
    say(output, "{\"ready\":true}");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      int sum = 0;
      long begun = System.nanoTime();
      for (int at = Integer.parseInt(line); at > 0; at--) {
        EVENTS.add(1);
        sum = RESULTS.take();
      }
      say(output, "{\"sum\":" + sum + ",\"ms\":" + (System.nanoTime() - begun) / 1e6 + "}");
    }
    System.exit(0);
  }

  static void say(PrintStream output, String line) {
    output.println(line);
    output.flush();
  }
}
