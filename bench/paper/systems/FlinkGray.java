// A job of Apache Flink in a process that begins with the stream: a local cluster of its own, one chain of a source, the function and a sink.
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.FileDescriptor;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;

public class FlinkGray {
  static final int FRAME = 160 * 120 * 3;

  public static class Frames implements SourceFunction<byte[]> {
    public void run(SourceContext<byte[]> context) throws Exception {
      DataInputStream input = new DataInputStream(System.in);
      for (boolean first = true; ; first = false) {
        byte[] frame = new byte[FRAME];
        try {
          input.readFully(frame);
        } catch (EOFException end) {
          return;
        }
        if (first) {
          System.err.println("first " + System.nanoTime());
        }
        context.collect(frame);
      }
    }

    public void cancel() {}
  }

  public static class Grays implements SinkFunction<byte[]> {
    static final OutputStream OUT = new FileOutputStream(FileDescriptor.out);

    public void invoke(byte[] gray, Context context) throws Exception {
      OUT.write(gray);
    }
  }

  static byte[] toGray(byte[] frame) {
    byte[] result = new byte[FRAME];
    for (int at = 0; at < FRAME; at += 3) {
      byte mean = (byte) (((frame[at] & 255) + (frame[at + 1] & 255) + (frame[at + 2] & 255)) / 3);
      result[at] = result[at + 1] = result[at + 2] = mean;
    }
    return result;
  }

  public static void main(String[] arguments) throws Exception {
    // Only frames go to the output.
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    environment
        .addSource(new Frames(), PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .map(FlinkGray::toGray)
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .addSink(new Grays());
    environment.execute();
  }
}
