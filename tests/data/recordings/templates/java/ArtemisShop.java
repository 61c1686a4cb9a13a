import java.nio.file.Path;
import java.util.Random;
import javax.jms.Connection;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.QueueBrowser;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.activemq.artemis.spi.core.security.ActiveMQJAASSecurityManager;
import org.apache.activemq.artemis.spi.core.security.jaas.InVMLoginModule;
import org.apache.activemq.artemis.core.config.impl.SecurityConfiguration;

/** A broker or a client of it. Arguments: broker and its configuration file, or client and a number of seconds. */
public class ArtemisShop {
    private static final Random CHANCE = new Random(7);

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("broker")) {
            broker(Path.of(arguments[1]));
            return;
        }
        long end = System.currentTimeMillis() + 1000 * Long.parseLong(arguments[1]);
        while (System.currentTimeMillis() < end) {
            try (ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(
                    "(tcp://127.0.0.1:61616,tcp://127.0.0.1:61617)?ha=true&reconnectAttempts=2&retryInterval=300&callTimeout=3000&connectionTTL=3000")) {
                session(factory);
            } catch (Exception expected) {
                Thread.sleep(300);
            }
        }
        System.exit(CHANCE.nextInt(2));
    }

    private static void broker(Path configuration) throws Exception {
        SecurityConfiguration users = new SecurityConfiguration();
        users.addUser("ann", "secret");
        users.addRole("ann", "staff");
        users.addUser("bob", "secret");
        users.addRole("bob", "guest");
        users.setDefaultUser("bob");
        EmbeddedActiveMQ broker = new EmbeddedActiveMQ();
        broker.setConfigResourcePath(configuration.toUri().toString());
        broker.setSecurityManager(new ActiveMQJAASSecurityManager(InVMLoginModule.class.getName(), users));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                broker.stop();
            } catch (Exception late) {
                throw new IllegalStateException(late);
            }
        }));
        broker.start();
        Thread.currentThread().join();
    }

    private static void session(ActiveMQConnectionFactory factory) throws Exception {
        String secret = CHANCE.nextInt(8) == 0 ? "wrong" : "secret";
        try (Connection connection = factory.createConnection(CHANCE.nextInt(4) == 0 ? "bob" : "ann", secret)) {
            if (CHANCE.nextBoolean()) {
                connection.setClientID("till" + CHANCE.nextInt(3));
            }
            connection.start();
            boolean transacted = CHANCE.nextInt(3) == 0;
            Session session = connection.createSession(transacted, transacted ? Session.SESSION_TRANSACTED : Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(new String[] {"orders", "orders", "jobs", "small", "private.pay", "auto" + CHANCE.nextInt(20)}[CHANCE.nextInt(6)]);
            switch (CHANCE.nextInt(9)) {
                case 0, 1, 2 -> send(session, queue);
                case 3, 4 -> receive(session, queue);
                case 5 -> browse(session, queue);
                case 6 -> {
                    session.createDurableSubscriber(session.createTopic("news"), "reader" + CHANCE.nextInt(3)).receive(200);
                    session.unsubscribe("reader1");
                }
                case 7 -> session.createConsumer(queue, "price ='broken").receive(100);
                default -> session.createTemporaryQueue();
            }
            if (transacted && CHANCE.nextBoolean()) {
                session.rollback();
            } else if (transacted) {
                session.commit();
            }
        }
    }

    private static void send(Session session, Queue queue) throws Exception {
        MessageProducer producer = session.createProducer(queue);
        if (CHANCE.nextInt(3) == 0) {
            producer.setTimeToLive(500);
        }
        for (int n = CHANCE.nextInt(30); n >= 0; n--) {
            TextMessage message = session.createTextMessage("x".repeat(CHANCE.nextInt(40) == 0 ? 300_000 : CHANCE.nextInt(3000)));
            message.setStringProperty("_AMQ_DUPL_ID", "d" + CHANCE.nextInt(200));
            producer.send(message);
        }
    }

    private static void receive(Session session, Queue queue) throws Exception {
        MessageConsumer consumer = session.createConsumer(queue);
        for (int n = CHANCE.nextInt(40); n >= 0 && consumer.receive(50) != null; n--) {
            if (CHANCE.nextInt(30) == 0) {
                session.recover();
            }
        }
    }

    private static void browse(Session session, Queue queue) throws Exception {
        QueueBrowser browser = session.createBrowser(queue);
        browser.getEnumeration().hasMoreElements();
    }
}
