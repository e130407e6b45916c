//! A component of the sidecar that the test itself is: a broker and a binding that tell what became of each message.
//!
//! The sidecar finds it by a Unix socket and speaks gRPC with it. The few messages are written and read by hand in `wire`.

mod server;
mod wire;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc,
    },
};

use tokio::{net::UnixListener, runtime::Runtime, sync::mpsc::UnboundedSender};

use crate::{Folder, PATIENCE, Resource, Sidecar, component, eventually};

/// A broker, `pubsub.probe`, and a source of events, `bindings.probe`.
#[derive(Debug)]
pub struct Pluggable {
    shared: Arc<Shared>,
    folder: Folder,
    _runtime: Runtime,
}

/// What the component brings.
#[derive(Debug, Clone, Default)]
pub struct Message {
    data: Vec<u8>,
    content_type: String,
    metadata: BTreeMap<String, String>,
}

/// What became of it: the reply, which only a binding has, or an error.
pub type Acknowledged = Result<Vec<u8>, String>;

/// Where messages are asked for: a topic, or the binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Topic(String),
    Binding,
}

#[derive(Default)]
struct Shared {
    /// What takes the messages of each source, as bytes.
    open: Mutex<HashMap<Source, UnboundedSender<Vec<u8>>>>,
    /// Who waits to hear of a message, by its id.
    waiting: Mutex<HashMap<String, mpsc::Sender<Acknowledged>>>,
    last: AtomicU32,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("open", &lock(&self.open).keys()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Message {
    /// A message with this data.
    pub fn new(data: impl AsRef<[u8]>) -> Self {
        Self { data: data.as_ref().to_vec(), ..Self::default() }
    }

    /// Says what its data is.
    #[must_use]
    pub fn content_type(mut self, text: &str) -> Self {
        text.clone_into(&mut self.content_type);
        self
    }

    /// Adds metadata, as brokers have it.
    #[must_use]
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Pluggable {
    /// Starts it; a sidecar must be started after it.
    pub fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = Folder::new(&format!("pluggable-{}", NUMBER.fetch_add(1, Relaxed)));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (runtime, shared) = (runtime.expect("there is a runtime"), Arc::<Shared>::default());
        let listener = {
            let _runtime = runtime.enter();
            UnixListener::bind(folder.path().join("probe.sock")).expect("a socket can be made")
        };
        runtime.spawn(server::serve(listener, Arc::clone(&shared)));
        Self { shared, folder, _runtime: runtime }
    }

    /// Shows it to a sidecar.
    #[must_use]
    pub fn of(&self, sidecar: Sidecar) -> Sidecar {
        sidecar.env("DAPR_COMPONENTS_SOCKETS_FOLDER", self.folder.path().to_str().expect("a folder of a test has a plain name"))
    }

    /// Brings a message of a topic, once somebody has subscribed to it, and waits for what becomes of it.
    ///
    /// # Errors
    /// What it failed with: it would come again.
    #[track_caller]
    pub fn publish(&self, topic: &str, message: &Message) -> Acknowledged {
        self.bring(&Source::Topic(topic.to_owned()), |id| wire::topic_message(topic, id, message))
    }

    /// Brings an event of the binding, once somebody reads them, and waits for what becomes of it.
    ///
    /// # Errors
    /// What it failed with.
    #[track_caller]
    pub fn read(&self, message: &Message) -> Acknowledged {
        self.bring(&Source::Binding, |id| wire::binding_message(id, message))
    }

    #[track_caller]
    fn bring(&self, source: &Source, encode: impl Fn(&str) -> Vec<u8>) -> Acknowledged {
        let messages = eventually(&format!("{source:?} is read"), || lock(&self.shared.open).get(source).cloned());
        let id = self.shared.last.fetch_add(1, Relaxed).to_string();
        let (tell, told) = mpsc::channel();
        lock(&self.shared.waiting).insert(id.clone(), tell);
        messages.send(encode(&id)).expect("the sidecar still reads");
        told.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("nobody says what became of message {id} ({error})"))
    }
}

/// Topics of this component.
pub fn topics(name: &str) -> Resource {
    component::component(name, "pubsub.probe")
}

/// An input of this component.
pub fn binding(name: &str) -> Resource {
    component::component(name, "bindings.probe").with("direction", "input")
}
