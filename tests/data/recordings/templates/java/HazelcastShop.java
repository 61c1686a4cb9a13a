import com.hazelcast.client.HazelcastClient;
import com.hazelcast.client.config.ClientConfig;
import com.hazelcast.collection.IQueue;
import com.hazelcast.config.*;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceAware;
import com.hazelcast.jet.pipeline.Pipeline;
import com.hazelcast.jet.pipeline.Sinks;
import com.hazelcast.jet.pipeline.test.TestSources;
import com.hazelcast.map.IMap;
import com.hazelcast.transaction.TransactionContext;
import java.io.Serializable;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** A member or a client of the shop's cluster. Arguments: member or client, port, cluster, seconds, mistake. */
public class HazelcastShop {
    private static final Random CHANCE = new Random(5);

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[1]);
        String mistake = arguments.length > 4 ? arguments[4] : "";
        HazelcastInstance node = arguments[0].equals("member")
                ? Hazelcast.newHazelcastInstance(config(port, arguments[2], mistake)) : client(port, arguments[2]);
        long end = System.currentTimeMillis() + 1000 * Long.parseLong(arguments[3]);
        while (System.currentTimeMillis() < end) {
            try {
                work(node);
            } catch (Exception expected) {
                Thread.sleep(200);
            }
            Thread.sleep(CHANCE.nextInt(250));
        }
        node.shutdown();
    }

    private static Config config(int port, String cluster, String mistake) {
        Config config = new Config().setClusterName(cluster);
        config.setInstanceName("shop" + port);
        NetworkConfig network = config.getNetworkConfig().setPort(port).setPortAutoIncrement(mistake.equals("increment"));
        network.getInterfaces().setEnabled(true).addInterface(mistake.equals("interface") ? "10.9.9.*" : "127.0.0.1");
        JoinConfig join = network.getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(mistake.equals("multicast"));
        join.getTcpIpConfig().setEnabled(!mistake.equals("multicast")).addMember("127.0.0.1:5701").addMember("127.0.0.1:5702").addMember("127.0.0.1:5703");
        network.getRestApiConfig().setEnabled(true).enableAllGroups();
        network.getMemcacheProtocolConfig().setEnabled(true);
        config.getJetConfig().setEnabled(true).setResourceUploadEnabled(true).setCooperativeThreadCount(1);
        config.setProperty("hazelcast.heartbeat.interval.seconds", "1").setProperty("hazelcast.max.no.heartbeat.seconds", "6");
        config.setProperty("hazelcast.slow.operation.detector.threshold.millis", "800");
        config.setProperty("hazelcast.health.monitoring.level", "NOISY").setProperty("hazelcast.health.monitoring.delay.seconds", "5");
        config.setProperty("hazelcast.operation.call.timeout.millis", "4000").setProperty("hazelcast.partition.count", "31");
        config.setProperty("hazelcast.merge.first.run.delay.seconds", "4").setProperty("hazelcast.merge.next.run.delay.seconds", "4");
        config.setProperty("hazelcast.diagnostics.enabled", mistake.equals("diagnostics") ? "true" : "false");
        config.setProperty("hazelcast.phone.home.enabled", "false");
        config.addMapConfig(new MapConfig("carts").setBackupCount(1).setTimeToLiveSeconds(5)
                .setEvictionConfig(new EvictionConfig().setSize(50).setMaxSizePolicy(MaxSizePolicy.PER_NODE).setEvictionPolicy(EvictionPolicy.LRU)));
        config.addMapConfig(new MapConfig("indexed").addIndexConfig(new IndexConfig(IndexType.SORTED, "__key")));
        config.addQueueConfig(new QueueConfig("jobs").setMaxSize(20));
        config.addSplitBrainProtectionConfig(new SplitBrainProtectionConfig("two", true, 2));
        config.addMapConfig(new MapConfig("guarded").setSplitBrainProtectionName("two"));
        if (mistake.equals("partitions")) {
            config.setProperty("hazelcast.partition.count", "17");
        }
        if (mistake.equals("property")) {
            config.setProperty("hazelcast.operation.thread.count", "lots");
        }
        if (mistake.equals("lite")) {
            config.setLiteMember(true);
        }
        if (mistake.equals("store")) {
            config.addMapConfig(new MapConfig("stored").setMapStoreConfig(new MapStoreConfig().setEnabled(true).setClassName("no.such.Store")));
        }
        return config;
    }

    private static HazelcastInstance client(int port, String cluster) {
        ClientConfig config = new ClientConfig().setClusterName(cluster);
        config.getNetworkConfig().addAddress("127.0.0.1:" + port).setConnectionTimeout(1000);
        config.getConnectionStrategyConfig().getConnectionRetryConfig().setClusterConnectTimeoutMillis(4000);
        config.setProperty("hazelcast.client.statistics.enabled", "true");
        return HazelcastClient.newHazelcastClient(config);
    }

    private static void work(HazelcastInstance node) throws Exception {
        String key = "k" + CHANCE.nextInt(200);
        switch (CHANCE.nextInt(16)) {
            case 0, 1, 2 -> node.getMap("carts").put(key, "x".repeat(CHANCE.nextInt(500)));
            case 3 -> node.getMap("carts").get(key);
            case 4 -> node.getQueue("jobs").offer(key, 100, TimeUnit.MILLISECONDS);
            case 5 -> node.getQueue("jobs").poll();
            case 6 -> node.getTopic("news").publish(key);
            case 7 -> node.getExecutorService("work").submit(new Task(key)).get(2, TimeUnit.SECONDS);
            case 8 -> lock(node.getMap("carts"), key);
            case 9 -> node.getMap("guarded").put(key, key);
            case 10 -> transaction(node, key);
            case 11 -> node.getSql().execute(CHANCE.nextBoolean()
                    ? "SELECT * FROM nothing" : "CREATE OR REPLACE MAPPING carts TYPE IMap OPTIONS ('keyFormat'='varchar','valueFormat'='varchar')").close();
            case 12 -> job(node);
            case 13 -> node.getMap("stored").put(key, UUID.randomUUID());
            case 14 -> node.getMap("m" + CHANCE.nextInt(9)).destroy();
            default -> node.getMap("indexed").executeOnKey(key, entry -> entry.setValue("v" + 1 / (entry.getKey().hashCode() % 2)));
        }
    }

    private static void lock(IMap<Object, Object> map, String key) throws InterruptedException {
        if (map.tryLock(key, 300, TimeUnit.MILLISECONDS, 1, TimeUnit.SECONDS)) {
            Thread.sleep(50);
            map.unlock(key);
        } else {
            map.unlock(key);
        }
    }

    private static void transaction(HazelcastInstance node, String key) {
        TransactionContext context = node.newTransactionContext();
        context.beginTransaction();
        context.getMap("carts").put(key, "paid");
        context.getQueue("jobs").offer(key);
        if (CHANCE.nextBoolean()) {
            context.commitTransaction();
        } else {
            context.rollbackTransaction();
        }
    }

    private static void job(HazelcastInstance node) throws Exception {
        Pipeline pipeline = Pipeline.create();
        boolean fails = CHANCE.nextBoolean();
        pipeline.readFrom(TestSources.items(1, 2, 3)).map(n -> fails && n == 3 ? n / 0 : n).writeTo(Sinks.list("results"));
        node.getJet().newJob(pipeline).getFuture().get(3, TimeUnit.SECONDS);
    }

    public static class Task implements Callable<String>, Serializable, HazelcastInstanceAware {
        private final String key;

        Task(String key) {
            this.key = key;
        }

        @Override
        public void setHazelcastInstance(HazelcastInstance node) {}

        @Override
        public String call() throws Exception {
            if (key.endsWith("7")) {
                throw new IllegalStateException("no stock of " + key);
            }
            Thread.sleep(key.endsWith("9") ? 1200 : 5);
            return key;
        }
    }
}
