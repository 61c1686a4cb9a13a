import ch.qos.logback.classic.pattern.ClassicConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.util.Set;

/** Prints who logged, as class:line, beyond a program's own logging classes (property located.skip, prefixes). */
public class Located extends ClassicConverter {
    private static final String[] SKIP = System.getProperty("located.skip", "-").split(",");
    private static final Set<String> FORWARDERS =
            Set.of(System.getProperty("located.forwarders", "-").split(",")); // methods that a mixin adds to any class

    @Override
    public String convert(ILoggingEvent event) {
        for (StackTraceElement frame : event.getCallerData()) {
            if (!skipped(frame)) {
                return frame.getClassName().split("\\$")[0] + ":" + frame.getLineNumber();
            }
        }
        return "unknown:0";
    }

    private static boolean skipped(StackTraceElement frame) {
        for (String prefix : SKIP) {
            if (frame.getClassName().startsWith(prefix)) {
                return true;
            }
        }
        return FORWARDERS.contains(frame.getMethodName());
    }
}
