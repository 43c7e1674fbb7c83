package asyncio.tools;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/** A jar with {@link Agent}, created on demand: a jar that a process has loaded stays on its class path. */
final class AgentJar {
    private AgentJar() {}

    static Path write() throws IOException {
        String resource = Agent.class.getName().replace('.', '/') + ".class";
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(new Attributes.Name("Agent-Class"), Agent.class.getName());
        Path jar = Files.createTempFile("asyncio-agent", ".jar");
        try (InputStream agent = Agent.class.getClassLoader().getResourceAsStream(resource);
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            if (agent == null) {
                throw new FileNotFoundException(resource);
            }
            out.putNextEntry(new JarEntry(resource));
            agent.transferTo(out);
        }
        return jar;
    }
}
