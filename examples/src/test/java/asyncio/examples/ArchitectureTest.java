package asyncio.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
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
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.CoreSubscriber;
import reactor.core.Fuseable;

/** The architecture rules that byte code can show, for all published modules. */
class ArchitectureTest {
    private static final String LOOP = "asyncio.internal.loop";

    /** The packages of the modules. */
    private static final Set<String> MODULES = Set.of(
            LOOP,
            "asyncio",
            "asyncio.management",
            "asyncio.metrics",
            "asyncio.bridge",
            "asyncio.sync",
            "asyncio.queue",
            "asyncio.streams",
            "asyncio.subprocess",
            "asyncio.testkit");

    /** The classes of package asyncio that use no loop, Future or Task: they receive names, owners and callbacks. */
    private static final Set<String> TOOLS = Set.of(
            "Activity",
            "AwaitGuard",
            "AwaitedSubscription",
            "BodyKind",
            "BodyStack",
            "CallbackIndex",
            "CancelAll",
            "Contexts",
            "CpuTime",
            "DebugMode",
            "DefaultExecutor",
            "EndedWaiter",
            "GeneratorCoroutine",
            "Experimental",
            "Flight",
            "FlightEvents",
            "HeldTime",
            "InvalidStateException",
            "JvmSignals",
            "KeepingSubscription",
            "KnownMonos",
            "LagProbe",
            "LeakDetector",
            "LeakOwner",
            "Leftover",
            "Links",
            "ListenerList",
            "Log",
            "LoopStatistics",
            "LoopStopper",
            "Management",
            "Misuse",
            "NoEpoll",
            "OnPlatformThread",
            "OperatorTracking",
            "Origin",
            "RateLimit",
            "Resources",
            "Signals",
            "SlowStep",
            "Suppressed",
            "TaskOptions",
            "TaskRecord",
            "ThreadLocals",
            "TimedOutException",
            "TrackedOperator",
            "Trampoline",
            "UnarmedLimit",
            "UnderWay",
            "Waiter",
            "WaiterList",
            "Watchdog");

    /** The classes of package asyncio around loop, Future and Task, with their return types: these use each other. */
    private static final Set<String> KERNEL = Set.of(
            "Awaiters",
            "BodyTask",
            "CancelledException",
            "Cleanups",
            "ColdMono",
            "DefaultEventLoopPolicy",
            "DoneCallback",
            "EventLoop",
            "EventLoopBuilder",
            "EventLoopPolicy",
            "ExceptionContext",
            "ExecutorJob",
            "ForeignWork",
            "Future",
            "FutureSubscription",
            "Handle",
            "LoopEvents",
            "LoopListener",
            "LoopMonitor",
            "LoopScheduler",
            "MonoTask",
            "OwnerSubscriber",
            "SharedLoops",
            "Suspension",
            "Task",
            "TaskDump",
            "TaskFactory",
            "TimerHandle",
            "Wait",
            "WaitSubscriber");

    private static JavaClasses published;

    @BeforeAll
    static void readTheModules() throws ClassNotFoundException {
        List<Location> modules = new ArrayList<>();
        for (String name : MODULES) {
            Class<?> packageInfo = Class.forName(name + ".package-info");
            modules.add(Location.of(
                    packageInfo.getProtectionDomain().getCodeSource().getLocation()));
        }
        published = new ClassFileImporter().importLocations(modules);
    }

    @Test
    void eachModuleIsSeen() {
        for (String name : MODULES) {
            assertThat(published.contain(name + ".package-info")).as(name).isTrue();
        }
        assertThat(published.contain("asyncio.Future")).isTrue();
        assertThat(published.contain("asyncio.streams.Streams")).isTrue();
        assertThat(published.contain(ArchitectureTest.class.getName())).isFalse();
    }

    @Test
    void layersDependInOneDirection() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("asyncio..")
                .layer("loop")
                .definedBy(LOOP)
                .layer("tools")
                .definedBy(named(TOOLS))
                .layer("kernel")
                .definedBy(named(KERNEL))
                .layer("combinators")
                .definedBy(combinators())
                .layer("management")
                .definedBy("asyncio.management")
                .layer("metrics")
                .definedBy("asyncio.metrics")
                .layer("sync")
                .definedBy("asyncio.sync")
                .layer("queue")
                .definedBy("asyncio.queue")
                .layer("bridge")
                .definedBy("asyncio.bridge")
                .layer("streams")
                .definedBy("asyncio.streams..")
                .layer("subprocess")
                .definedBy("asyncio.subprocess")
                .layer("testkit")
                .definedBy("asyncio.testkit")
                .whereLayer("loop")
                .mayNotAccessAnyLayer()
                .whereLayer("tools")
                .mayOnlyAccessLayers("loop")
                .whereLayer("kernel")
                .mayOnlyAccessLayers("loop", "tools")
                .whereLayer("combinators")
                .mayOnlyAccessLayers("loop", "tools", "kernel")
                .whereLayer("management")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("metrics")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("sync")
                .mayOnlyAccessLayers("tools", "kernel", "combinators")
                .whereLayer("queue")
                .mayOnlyAccessLayers("loop", "tools", "kernel", "combinators")
                .whereLayer("bridge")
                .mayOnlyAccessLayers("loop", "tools", "kernel", "combinators", "queue")
                .whereLayer("streams")
                .mayOnlyAccessLayers("tools", "kernel", "combinators")
                .whereLayer("subprocess")
                .mayOnlyAccessLayers("tools", "kernel", "combinators", "streams")
                .whereLayer("testkit")
                .mayNotBeAccessedByAnyLayer()
                .check(published);
    }

    /** A class of package asyncio that is in no list counts as a combinator, which nothing below may use. */
    private static DescribedPredicate<JavaClass> combinators() {
        return DescribedPredicate.describe(
                "combinators",
                type -> type.getBaseComponentType().getPackageName().equals("asyncio")
                        && !named(TOOLS).test(type)
                        && !named(KERNEL).test(type));
    }

    private static DescribedPredicate<JavaClass> named(Set<String> files) {
        return DescribedPredicate.describe("of these files", type -> {
            JavaClass element = type.getBaseComponentType();
            return element.getPackageName().equals("asyncio")
                    && files.contains(
                            element.getName().substring("asyncio.".length()).replaceFirst("\\$.*", ""));
        });
    }

    @Test
    void everyFileOfALayerIsThere() {
        for (Set<String> layer : List.of(TOOLS, KERNEL)) {
            for (String name : layer) {
                assertThat(published.contain("asyncio." + name)).as(name).isTrue();
            }
        }
    }

    /** The root package stands alone; each of the others belongs to its module with all its subpackages. */
    private static String classesOf(String module) {
        return module.equals("asyncio") ? module : module + "..";
    }

    @Test
    void classesLiveInThePackageOfTheirModule() {
        classes()
                .should()
                .resideInAnyPackage(
                        MODULES.stream().map(ArchitectureTest::classesOf).toArray(String[]::new))
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
    void packagesBelowTheRootFormNoCircle() {
        slices().matching("asyncio.(*)..").should().beFreeOfCycles().check(published);
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
                // wrappers that stand for Reactor's operators, and look like them
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
