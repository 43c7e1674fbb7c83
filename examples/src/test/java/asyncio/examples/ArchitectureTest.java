package asyncio.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.CoreSubscriber;
import reactor.core.Fuseable;

/** The rules of the house that byte code can show, for all that is published. */
class ArchitectureTest {
    private static final String LOOP = "asyncio.internal.loop";

    /** The package of each module, two for core, and those that it may use. */
    private static final Map<String, Set<String>> MODULES = Map.of(
            LOOP,
            Set.of(),
            "asyncio",
            Set.of(LOOP),
            "asyncio.bridge",
            Set.of("asyncio", LOOP),
            "asyncio.sync",
            Set.of("asyncio"),
            "asyncio.queue",
            Set.of("asyncio", LOOP),
            "asyncio.streams",
            Set.of("asyncio"),
            "asyncio.subprocess",
            Set.of("asyncio", "asyncio.streams"),
            "asyncio.testkit",
            Set.of(
                    "asyncio",
                    "asyncio.bridge",
                    "asyncio.sync",
                    "asyncio.queue",
                    "asyncio.streams",
                    "asyncio.subprocess"));

    private static JavaClasses published;

    @BeforeAll
    static void readTheModules() throws ClassNotFoundException {
        List<Location> modules = new ArrayList<>();
        for (String name : MODULES.keySet()) {
            Class<?> packageInfo = Class.forName(name + ".package-info");
            modules.add(Location.of(
                    packageInfo.getProtectionDomain().getCodeSource().getLocation()));
        }
        published = new ClassFileImporter().importLocations(modules);
    }

    @Test
    void eachModuleIsSeen() {
        for (String name : MODULES.keySet()) {
            assertThat(published.contain(name + ".package-info")).as(name).isTrue();
        }
        assertThat(published.contain("asyncio.Future")).isTrue();
        assertThat(published.contain("asyncio.streams.Streams")).isTrue();
        assertThat(published.contain(ArchitectureTest.class.getName())).isFalse();
    }

    @Test
    void modulesDependInOneDirection() {
        MODULES.forEach((module, used) -> {
            Set<String> unused = new TreeSet<>(MODULES.keySet());
            unused.removeAll(used);
            unused.remove(module);
            noClasses()
                    .that()
                    .resideInAPackage(classesOf(module))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            unused.stream().map(ArchitectureTest::classesOf).toArray(String[]::new))
                    .because(
                            "the arrows between modules are core <- sync, queue, bridge, streams <- subprocess; testkit -> all")
                    .check(published);
        });
    }

    /** The root package is one module alone; below it each package belongs to one with all that is below it. */
    private static String classesOf(String module) {
        return module.equals("asyncio") ? module : module + "..";
    }

    @Test
    void classesLiveInThePackageOfTheirModule() {
        classes()
                .should()
                .resideInAnyPackage(MODULES.keySet().stream()
                        .map(ArchitectureTest::classesOf)
                        .toArray(String[]::new))
                .because("a class in reactor.*, say, would use what Reactor does not promise")
                .check(published);
    }

    @Test
    void theLoopKnowsOnlyTheJdkAndNetty() {
        classes()
                .that()
                .resideInAPackage(LOOP)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(LOOP, "java..", "io.netty..", "org.jspecify..")
                .because("the loop is the lowest layer: it takes entries, and tells an observer what happens")
                .check(published);
    }

    @Test
    void everyPackageIsNullMarked() {
        Set<String> unmarked = new TreeSet<>();
        for (JavaClass type : published) {
            JavaPackage home = type.getPackage();
            if (!home.isAnnotatedWith(NullMarked.class)) {
                unmarked.add(home.getName());
            }
        }
        assertThat(unmarked).as("packages without @NullMarked").isEmpty();
    }

    @Test
    void everySubscriberPassesItsContextOn() {
        classes()
                .that()
                .areAssignableTo(CoreSubscriber.class)
                .and()
                .doNotHaveModifier(JavaModifier.ABSTRACT)
                .should(new OverrideCurrentContext())
                .because("the default is empty: what is upstream would not see the subscriber's context")
                .check(published);
    }

    @Test
    void noPublisherTakesPartInFusion() {
        noClasses()
                .that()
                // wrappers that stand for operators of Reactor's, and look like them
                .haveNameNotMatching("asyncio\\.OperatorTracking\\$.*")
                .should()
                .beAssignableTo(Fuseable.class)
                .orShould()
                .beAssignableTo(Fuseable.QueueSubscription.class)
                .because("fusion is Reactor's own affair")
                .check(published);
    }

    @Test
    void nobodyPrints() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(published);
    }

    @Test
    void nobodySleeps() {
        noClasses()
                .should()
                .callMethod(Thread.class, "sleep", long.class)
                .because("a sleep stops a loop, or stands for a signal that is missing")
                .check(published);
    }

    private static final class OverrideCurrentContext extends ArchCondition<JavaClass> {
        OverrideCurrentContext() {
            super("override currentContext()");
        }

        @Override
        public void check(JavaClass type, ConditionEvents events) {
            boolean overridden = type.getAllMethods().stream()
                    .anyMatch(method -> method.getName().equals("currentContext")
                            && method.getRawParameterTypes().isEmpty()
                            && published.contain(method.getOwner().getName()));
            events.add(new SimpleConditionEvent(
                    type, overridden, type.getName() + (overridden ? " overrides" : " does not override") + " it"));
        }
    }
}
