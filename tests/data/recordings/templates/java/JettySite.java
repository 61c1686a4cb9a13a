import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.eclipse.jetty.ee10.servlet.DefaultServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.ee10.servlet.SessionHandler;
import org.eclipse.jetty.ee10.servlet.security.ConstraintMapping;
import org.eclipse.jetty.ee10.servlet.security.ConstraintSecurityHandler;
import org.eclipse.jetty.ee10.websocket.server.config.JettyWebSocketServletContainerInitializer;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.security.Constraint;
import org.eclipse.jetty.security.HashLoginService;
import org.eclipse.jetty.security.UserStore;
import org.eclipse.jetty.security.authentication.BasicAuthenticator;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ContextHandlerCollection;
import org.eclipse.jetty.server.handler.gzip.GzipHandler;
import org.eclipse.jetty.util.resource.ResourceFactory;
import org.eclipse.jetty.util.security.Credential;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;

/** A site with static files, dynamic pages, sessions, a login, HTTP/2 and web sockets. Arguments: folder, port, mistake. */
public class JettySite {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        String mistake = arguments.length > 2 ? arguments[2] : "";
        QueuedThreadPool threads = new QueuedThreadPool(mistake.equals("threads") ? 3 : 12, 2);
        Server server = new Server(threads);
        HttpConfiguration configuration = new HttpConfiguration();
        configuration.setRequestHeaderSize(2048);
        configuration.setSendServerVersion(true);
        ServerConnector connector = new ServerConnector(server,
                new HttpConnectionFactory(configuration), new HTTP2CServerConnectionFactory(configuration));
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[1]));
        connector.setIdleTimeout(1500);
        connector.setAcceptQueueSize(20);
        server.addConnector(connector);
        ServletContextHandler shop = new ServletContextHandler("/shop", ServletContextHandler.SESSIONS);
        shop.setBaseResource(ResourceFactory.of(shop).newResource(folder));
        SessionHandler sessions = shop.getSessionHandler();
        sessions.setMaxInactiveInterval(3);
        shop.addServlet(new ServletHolder("page", new Page()), "/page/*");
        if (mistake.equals("servlet")) {
            ServletHolder broken = new ServletHolder();
            broken.setName("broken");
            broken.setClassName("no.such.Servlet");
            broken.setInitOrder(1);
            shop.addServlet(broken, "/broken");
        }
        shop.addServlet(new ServletHolder("default", DefaultServlet.class), "/");
        shop.setSecurityHandler(security(mistake));
        JettyWebSocketServletContainerInitializer.configure(shop, (context, container) -> {
            container.setMaxTextMessageSize(200);
            container.addMapping("/chat", (request, response) -> new Chat());
        });
        ServletContextHandler admin = new ServletContextHandler(mistake.equals("path") ? "/shop" : "/admin");
        admin.addServlet(new ServletHolder("admin", new Page()), mistake.equals("mapping") ? "admin*x" : "/*");
        GzipHandler gzip = new GzipHandler();
        gzip.setHandler(new ContextHandlerCollection(shop, admin));
        server.setHandler(gzip);
        server.setStopTimeout(1000);
        server.setStopAtShutdown(true);
        server.start();
        server.join();
    }

    private static ConstraintSecurityHandler security(String mistake) {
        UserStore users = new UserStore();
        users.addUser("ann", Credential.getCredential("secret"), new String[] {"clerk"});
        users.addUser("bob", Credential.getCredential("MD5:5ebe2294ecd0e0f08eab7690d2a6ee69"), new String[] {"guest"});
        HashLoginService service = new HashLoginService("shop");
        service.setUserStore(users);
        ConstraintSecurityHandler security = new ConstraintSecurityHandler();
        if (!mistake.equals("login")) {
            security.setLoginService(service);
        }
        security.setAuthenticator(new BasicAuthenticator());
        ConstraintMapping mapping = new ConstraintMapping();
        mapping.setPathSpec("/page/private/*");
        mapping.setConstraint(Constraint.from("clerk"));
        security.addConstraintMapping(mapping);
        return security;
    }

    public static class Page extends HttpServlet {
        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String path = String.valueOf(request.getPathInfo());
            switch (path.split("/").length > 1 ? path.split("/")[1] : "") {
                case "session" -> request.getSession(true).setAttribute("seen", System.nanoTime());
                case "end" -> request.getSession(true).invalidate();
                case "fail" -> throw new IllegalStateException("no stock of item " + path);
                case "checked" -> throw new IOException("disk of item is gone");
                case "error" -> response.sendError(503, "later");
                case "redirect" -> response.sendRedirect("/shop/page/session");
                case "large" -> response.getOutputStream().write(new byte[300_000]);
                case "slow" -> sleep(2500);
                case "async" -> request.startAsync().setTimeout(300);
                case "late" -> {
                    response.getOutputStream().println("begun");
                    response.flushBuffer();
                    response.sendError(500);
                }
                case "closed" -> {
                    response.getWriter().close();
                    response.setContentLength(5);
                    response.getWriter().print("more than five");
                }
                default -> response.getOutputStream().write(request.getInputStream().readAllBytes().length);
            }
            response.addHeader("X-Path", path);
        }

        private static void sleep(long milliseconds) throws IOException {
            try {
                Thread.sleep(milliseconds);
            } catch (InterruptedException interrupted) {
                throw new IOException(interrupted);
            }
        }
    }

    public static class Chat implements Session.Listener.AutoDemanding {
        private Session session;

        @Override
        public void onWebSocketOpen(Session opened) {
            session = opened;
        }

        @Override
        public void onWebSocketText(String text) {
            if (text.contains("fail")) {
                throw new IllegalArgumentException("bad word " + text);
            }
            session.sendText(text, Callback.NOOP);
        }
    }
}
