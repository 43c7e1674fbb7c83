package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** The resources of one loop that must be closed; closed ones are removed each time the list has doubled. */
final class Resources {
    private static final int FIRST_LOOK = 64;

    private List<Resource> resources = new ArrayList<>();
    private int nextLook = FIRST_LOOK;

    record Resource(Leftover.Kind kind, Object resource, BooleanSupplier isOpen, Origin origin) {
        boolean open() {
            return isOpen.getAsBoolean();
        }
    }

    synchronized void add(Resource resource) {
        resources.add(resource);
        if (resources.size() >= nextLook) {
            resources = new ArrayList<>(open());
            nextLook = Math.max(FIRST_LOOK, resources.size() * 2);
        }
    }

    synchronized List<Resource> open() {
        return resources.stream().filter(Resource::open).toList();
    }
}
