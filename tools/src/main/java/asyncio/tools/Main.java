package asyncio.tools;

/** The entry point of the tools: {@code java -jar asyncio-tools.jar COMMAND}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        int status = new CommandLine(System.out, System.err).run(args);
        System.out.flush();
        System.exit(status);
    }
}
