//! A catalogue of articles: search (tantivy), storage (sled), names (hickory), pages (axum, rustls, h2), peers (quinn).
//!
//! It has few log lines of its own; recorded is what the crates below it say, each with file and line.

use std::{collections::HashMap, env, error::Error, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfigGroup, ResolverConfig},
    name_server::TokioConnectionProvider,
    proto::rr::{Name, RecordType},
};
use hickory_server::{
    ServerFuture,
    authority::{Catalog, ZoneType},
    store::{file::FileAuthority, file::FileConfig, forwarder::{ForwardAuthority, ForwardConfig}},
};
use rustls::pki_types::PrivateKeyDer;
use tantivy::{Index, IndexReader, IndexWriter, TantivyDocument, collector::TopDocs, query::QueryParser, schema::*};
use tokio::{net::{TcpListener, UdpSocket}, sync::Mutex};
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer, trace::TraceLayer};
use tracing::{debug, error, info, warn};

type Failure = (StatusCode, String);
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Shop {
    store: sled::Db,
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: (Field, Field),
    resolver: TokioResolver,
    client: reqwest::Client,
    peers: quinn::Endpoint,
}

fn failed(problem: impl std::fmt::Display) -> Failure {
    warn!(%problem, "request failed");
    (StatusCode::BAD_GATEWAY, problem.to_string())
}

async fn search(State(shop): State<Arc<Shop>>, Query(asked): Query<HashMap<String, String>>) -> std::result::Result<String, Failure> {
    let text = asked.get("q").cloned().unwrap_or_default();
    let parser = QueryParser::for_index(&shop.index, vec![shop.fields.1]);
    let query = parser.parse_query(&text).map_err(failed)?;
    let found = shop.reader.searcher().search(&query, &TopDocs::with_limit(10)).map_err(failed)?;
    debug!(hits = found.len(), query = %text, "searched");
    Ok(format!("{}\n", found.len()))
}

async fn add(State(shop): State<Arc<Shop>>, Json(article): Json<HashMap<String, String>>) -> std::result::Result<String, Failure> {
    let (Some(id), Some(text)) = (article.get("id"), article.get("text")) else {
        return Err((StatusCode::UNPROCESSABLE_ENTITY, "id and text are wanted".into()));
    };
    shop.store.insert(id.as_bytes(), text.as_bytes()).map_err(failed)?;
    let mut document = TantivyDocument::default();
    document.add_text(shop.fields.0, id);
    document.add_text(shop.fields.1, text);
    let mut writer = shop.writer.lock().await;
    writer.delete_term(tantivy::Term::from_field_text(shop.fields.0, id));
    writer.add_document(document).map_err(failed)?;
    if id.ends_with('0') {
        let stamp = tokio::task::block_in_place(|| writer.commit()).map_err(failed)?;
        info!(stamp, "articles committed");
        shop.store.flush_async().await.map_err(failed)?;
    }
    Ok("added\n".into())
}

async fn article(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> std::result::Result<Vec<u8>, Failure> {
    match shop.store.get(&id).map_err(failed)? {
        Some(text) => Ok(text.to_vec()),
        None => Err((StatusCode::NOT_FOUND, format!("no article {id}"))),
    }
}

async fn resolve(State(shop): State<Arc<Shop>>, Path((kind, name)): Path<(String, String)>) -> std::result::Result<String, Failure> {
    let kind: RecordType = kind.parse().map_err(failed)?;
    let found = shop.resolver.lookup(name, kind).await.map_err(failed)?;
    Ok(format!("{}\n", found.record_iter().count()))
}

async fn fetch(State(shop): State<Arc<Shop>>, Query(asked): Query<HashMap<String, String>>) -> std::result::Result<String, Failure> {
    let url = asked.get("url").cloned().unwrap_or_default();
    let answer = shop.client.get(&url).send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    debug!(%status, bytes = text.len(), "fetched {url}");
    Ok(text)
}

async fn greet(State(shop): State<Arc<Shop>>, Path((host, port)): Path<(String, u16)>) -> std::result::Result<String, Failure> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let link = shop.peers.connect(address, &host).map_err(failed)?.await.map_err(failed)?;
    let (mut send, mut receive) = link.open_bi().await.map_err(failed)?;
    send.write_all(b"hello").await.map_err(failed)?;
    send.finish().map_err(failed)?;
    let answer = receive.read_to_end(100).await.map_err(failed)?;
    link.close(0u32.into(), b"bye");
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn slow(Path(millis): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    if millis == 13 {
        panic!("thirteen");
    }
    "slept\n"
}

async fn listen(endpoint: quinn::Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let talk = async {
                let link = incoming.await?;
                info!(peer = %link.remote_address(), "peer connected");
                while let Ok((mut send, mut receive)) = link.accept_bi().await {
                    let heard = receive.read_to_end(1000).await?;
                    send.write_all(&heard).await?;
                    send.finish()?;
                }
                Result::Ok(())
            };
            if let Err(problem) = talk.await {
                error!(%problem, "peer lost");
            }
        });
    }
}

async fn names(zone: PathBuf) -> Result<ServerFuture<Catalog>> {
    let origin = Name::from_ascii("shop.test.")?;
    let config = FileConfig { zone_file_path: zone };
    let mut catalog = Catalog::new();
    match FileAuthority::try_from_config(origin.clone(), ZoneType::Primary, true, None, &config) {
        Ok(authority) => catalog.upsert(origin.into(), vec![Arc::new(authority)]),
        Err(problem) => error!(problem, "zone not loaded"),
    }
    let upstream = NameServerConfigGroup::from_ips_clear(&[[127, 0, 0, 1].into()], 5399, true);
    let forward = ForwardAuthority::builder_tokio(ForwardConfig { name_servers: upstream, options: None }).build()?;
    catalog.upsert(Name::root().into(), vec![Arc::new(forward)]);
    let mut server = ServerFuture::new(catalog);
    server.register_socket(UdpSocket::bind("127.0.0.1:5300").await?);
    server.register_listener(TcpListener::bind("127.0.0.1:5300").await?, Duration::from_secs(2));
    Ok(server)
}

fn open(home: &std::path::Path, resolver: TokioResolver, client: reqwest::Client, peers: quinn::Endpoint) -> Result<Shop> {
    let mut schema = Schema::builder();
    let fields = (schema.add_text_field("id", STRING | STORED), schema.add_text_field("text", TEXT));
    let folder = home.join("index");
    std::fs::create_dir_all(&folder)?;
    let index = Index::open_or_create(tantivy::directory::MmapDirectory::open(folder)?, schema.build())?;
    let writer = Mutex::new(index.writer_with_num_threads(2, 40_000_000)?);
    let store = sled::Config::new().path(home.join("store")).segment_size(1 << 16).cache_capacity(1 << 20).open()?;
    Ok(Shop { store, reader: index.reader()?, index, writer, fields, resolver, client, peers })
}

async fn serve(home: PathBuf) -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "provider")?;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "shop.test".into()])?;
    let (chain, key) = (vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(made.key_pair.serialize_der().into()));
    std::fs::write(home.join("cert.pem"), made.cert.pem())?;
    let mut server = names(home.join("shop.zone")).await?;
    let servers = NameServerConfigGroup::from_ips_clear(&[[127, 0, 0, 1].into()], 5300, true);
    let config = ResolverConfig::from_parts(None, vec![Name::from_ascii("shop.test.")?], servers);
    let resolver = TokioResolver::builder_with_config(config, TokioConnectionProvider::default()).build();
    let mut client = reqwest::Client::builder().timeout(Duration::from_secs(2)).pool_idle_timeout(Duration::from_secs(3));
    client = client.add_root_certificate(reqwest::Certificate::from_der(made.cert.der())?);
    let quic = quinn::ServerConfig::with_single_cert(chain.clone(), key.clone_key())?;
    let mut peers = quinn::Endpoint::server(quic, "127.0.0.1:8444".parse()?)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    peers.set_default_client_config(quinn::ClientConfig::with_root_certificates(Arc::new(roots))?);
    tokio::spawn(listen(peers.clone()));
    let shop = Arc::new(open(&home, resolver, client.build()?, peers.clone())?);
    let app = Router::new()
        .route("/search", get(search))
        .route("/articles", post(add))
        .route("/articles/{id}", get(article))
        .route("/names/{kind}/{name}", get(resolve))
        .route("/fetch", get(fetch))
        .route("/greet/{host}/{port}", get(greet))
        .route("/slow/{millis}", get(slow))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(20_000))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(800)))
        .layer(TraceLayer::new_for_http())
        .with_state(shop.clone());
    let tls = axum_server::tls_rustls::RustlsConfig::from_der(chain.iter().map(|c| c.to_vec()).collect(), key.secret_der().to_vec()).await?;
    let handle = axum_server::Handle::new();
    tokio::spawn(axum_server::bind("127.0.0.1:8080".parse()?).serve(app.clone().into_make_service()));
    tokio::spawn(axum_server::bind_rustls("127.0.0.1:8443".parse()?, tls).handle(handle.clone()).serve(app.into_make_service()));
    info!(pid = std::process::id(), "serving");
    let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    stop.recv().await;
    info!("stopping");
    handle.graceful_shutdown(Some(Duration::from_secs(1)));
    peers.close(0u32.into(), b"stop");
    server.shutdown_gracefully().await?;
    shop.store.flush()?;
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 3)]
async fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(false)
        .with_file(true)
        .with_line_number(true)
        .init();
    let home = env::args().nth(1).map_or_else(|| ".".into(), PathBuf::from);
    match serve(home).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(problem) => {
            error!(problem, "cannot serve");
            std::process::ExitCode::FAILURE
        }
    }
}
