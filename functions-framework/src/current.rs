//! What is known of the invocation that runs here, for every line that is logged meanwhile.
//!
//! The guard puts it into its place for the time of each poll and takes it out again: it is moved, and what it knows is looked up
//! when somebody asks. Where invocations are traced their span is entered for the same time; no span of `tracing` is made.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    hash::{BuildHasher as _, RandomState},
    pin::pin,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue};

use crate::{
    context::{Context, Origin},
    event::{Attributes, Event},
    span::Span,
};

/// An invocation, as far as it is known; clones mean the same one. It is moved at every poll, and hence small.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    /// Whose it is; a request that no function takes has one without a name.
    origin: Arc<Origin>,
    /// What an OpenFunction function is called with.
    context: Option<Context>,
    /// Of the event that a CloudEvent function is called with.
    event: Option<Arc<Attributes>>,
    more: Option<Box<More>>,
    span: Span,
}

/// What most have nothing of until a line is logged.
#[derive(Debug, Clone, Default)]
struct More {
    brought: Option<Arc<Brought>>,
    ids: Option<Arc<OnceLock<Ids>>>,
}

/// What a request says of itself.
#[derive(Debug, Default)]
struct Brought {
    traceparent: Option<HeaderValue>,
    cloud_trace: Option<HeaderValue>,
    execution: Option<HeaderValue>,
    request: Option<HeaderValue>,
}

/// What tells an invocation from others.
#[derive(Debug)]
pub(crate) struct Ids {
    /// What the caller calls it, or its trace, or a fresh one.
    pub(crate) request: Box<str>,
    pub(crate) trace: Option<TraceIds>,
}

/// The trace it belongs to, in the digits of W3C Trace Context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceIds {
    pub(crate) trace: Box<str>,
    /// The invocation's own span, or else the caller's.
    pub(crate) span: Option<Box<str>>,
    pub(crate) sampled: bool,
}

thread_local! {
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
}

impl Current {
    /// Of a request.
    pub(crate) fn of_request(origin: &Arc<Origin>, headers: &HeaderMap) -> Self {
        let more = Brought::of(headers).map(|brought| Box::new(More { brought: Some(brought), ..More::default() }));
        Self { origin: Arc::clone(origin), context: None, event: None, more, span: Span::default() }
    }

    /// Of the same request, now that it is known whose it is: a router's, whose layers have been told of it.
    pub(crate) fn routed_to(self, origin: &Arc<Origin>) -> Self {
        Self { origin: Arc::clone(origin), ..self }
    }

    /// Of an event that is delivered.
    pub(crate) fn of_delivery(origin: Arc<Origin>, context: Context) -> Self {
        Self { origin, context: Some(context), event: None, more: None, span: Span::default() }
    }

    /// Says which span is its own.
    pub(crate) fn traced(self, span: Span) -> Self {
        Self { span, ..self }
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// What it shares with its clones, who agree on its ids.
    fn parting(&mut self) -> &More {
        let more = self.more.get_or_insert_default();
        more.ids.get_or_insert_default();
        more
    }

    pub(crate) fn function(&self) -> Option<&str> {
        Some(&*self.origin.function).filter(|name| !name.is_empty())
    }

    /// The name of the input that an event was delivered to.
    pub(crate) fn input(&self) -> Option<&str> {
        self.context.as_ref()?.input().map(crate::context::Input::name)
    }

    /// The id and the type of the event that the function is called with.
    pub(crate) fn event(&self) -> Option<(&str, &str)> {
        match &self.context {
            Some(context) => context.event().map(|event| (event.id(), event.ty())),
            None => self.event.as_ref().map(|event| (event.id(), event.ty())),
        }
    }

    /// What tells it from others; made up when it is first asked for, where nobody has said it.
    pub(crate) fn ids(&mut self) -> &Ids {
        let Self { context, more, span, .. } = self;
        let More { brought, ids, .. } = &mut **more.get_or_insert_default();
        ids.get_or_insert_default().get_or_init(|| Ids::of(brought.as_deref(), context.as_ref(), span))
    }

    /// The trace it belongs to.
    pub(crate) fn trace(&mut self) -> Option<TraceIds> {
        // Others may have asked for its ids before it had a span of its own.
        self.span.ids().or_else(|| self.ids().trace.clone())
    }
}

/// Runs a part of an invocation, with what is known of it in its place.
#[inline]
pub(crate) fn during<T>(current: &mut Option<Current>, run: impl FnOnce() -> T) -> T {
    /// Takes it out again, whatever happens.
    struct Entered<'a>(&'a mut Option<Current>);
    impl Drop for Entered<'_> {
        #[inline]
        fn drop(&mut self) {
            swap(self.0);
        }
    }
    let _span = current.as_ref().map(|current| current.span.enter());
    swap(current);
    let _entered = Entered(current);
    run()
}

/// Puts one into the place and takes out what was there, which is kept here meanwhile. Both are moved, and neither is dropped.
#[inline]
fn swap(current: &mut Option<Current>) {
    let outer = CURRENT.replace(current.take());
    *current = outer;
}

/// Lets `look` see the invocation that runs here, if there is one. What is logged meanwhile belongs to none.
pub(crate) fn look<T>(look: impl FnOnce(Option<&mut Current>) -> T) -> T {
    // A thread that ends has none any more.
    let mut current = CURRENT.try_with(Cell::take).ok().flatten();
    let seen = look(current.as_mut());
    if current.is_some() {
        let _ = CURRENT.try_with(|place| place.set(current));
    }
    seen
}

/// What the invocation that runs here is called, for a line that also who has a log of his own shall read.
pub(crate) fn request_id() -> Option<Box<str>> {
    look(|current| current.map(|current| current.ids().request.clone()))
}

/// The id of the event that the invocation that runs here is called with.
pub(crate) fn event_id() -> Option<Box<str>> {
    look(|current| current?.event().map(|(id, _)| id.into()))
}

/// The span of the invocation that runs here.
pub(crate) fn span() -> Span {
    look(|current| current.map(|current| current.span.clone())).unwrap_or_default()
}

/// Gives a share in the invocation that runs here, for another thread or task.
pub(crate) fn share() -> Option<Current> {
    look(|current| {
        current.map(|current| {
            current.parting();
            current.clone()
        })
    })
}

/// Tells the invocation that runs here the event it is called with.
pub(crate) fn called_with_event(event: &Event) {
    look(|current| {
        if let Some(current) = current {
            current.span.called_with(event);
            current.event = Some(event.attributes());
        }
    });
}

/// Tells the invocation that runs here the context it is called with.
pub(crate) fn called_with(context: &Context) {
    look(|current| {
        if let Some(current) = current {
            if let Some(event) = context.event() {
                current.span.called_with(event);
            }
            current.context = Some(context.clone());
        }
    });
}

/// Makes what a future logs part of this invocation, also where it goes on as a task of its own.
///
/// A line that a function logs says to which invocation it belongs. What the function spawns is another task, and its lines say
/// it only with this. Outside of an invocation it does nothing.
///
/// ```
/// use functions_framework::{function, within_invocation};
///
/// #[function(main = false)]
/// async fn order() -> &'static str {
///     tokio::spawn(within_invocation(async {
///         tracing::info!("this line has the request_id of the order");
///     }));
///     "accepted\n"
/// }
/// ```
pub fn within_invocation<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let mut current = share();
    async move {
        let mut future = pin!(future);
        poll_fn(|context| during(&mut current, || future.as_mut().poll(context))).await
    }
}

impl Brought {
    /// What of it there is, which nearly always is nothing: one pass over the names is less than a look-up for each.
    fn of(headers: &HeaderMap) -> Option<Arc<Self>> {
        headers.keys().any(|name| Self::NAMES.contains(&name.as_str())).then(|| {
            let [traceparent, cloud_trace, execution, request] = Self::NAMES.map(|name| headers.get(name).cloned());
            Arc::new(Self { traceparent, cloud_trace, execution, request })
        })
    }

    const NAMES: [&str; 4] = ["traceparent", "x-cloud-trace-context", "function-execution-id", "x-request-id"];
}

impl Ids {
    fn of(brought: Option<&Brought>, context: Option<&Context>, span: &Span) -> Self {
        let text = |value: &Option<HeaderValue>| value.as_ref().and_then(|value| sane(value.to_str().ok()?));
        let headers = || {
            let brought = brought?;
            let w3c = brought.traceparent.as_ref().and_then(|value| TraceIds::of_w3c(value.to_str().ok()?));
            w3c.or_else(|| TraceIds::of_cloud(brought.cloud_trace.as_ref()?.to_str().ok()?))
        };
        let of_context = || context.and_then(|context| TraceIds::of_w3c(&context.scope().trace.traceparent?));
        let trace = span.ids().or_else(of_context).or_else(headers);
        let said = brought.and_then(|brought| text(&brought.execution).or_else(|| text(&brought.request)));
        let request = said.or_else(|| trace.as_ref().map(|ids| ids.trace.clone())).unwrap_or_else(fresh);
        Self { request, trace }
    }
}

impl TraceIds {
    /// Of `00-<trace>-<span>-<flags>`; zeros stand for none.
    fn of_w3c(parent: &str) -> Option<Self> {
        let mut parts = parent.split('-').skip(1);
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self { trace: digits(trace, 32)?, span: digits(span, 16), sampled })
    }

    /// Of `<trace>/<span>;o=<flag>`, in which the span is a decimal number.
    fn of_cloud(context: &str) -> Option<Self> {
        let (ids, options) = context.split_once(';').unwrap_or((context, ""));
        let (trace, span) = ids.split_once('/').unwrap_or((ids, ""));
        let span = span.parse::<u64>().ok().filter(|&span| span != 0).map(|span| format!("{span:016x}").into());
        Some(Self { trace: digits(trace, 32)?, span, sampled: options == "o=1" })
    }
}

/// An id of so many hexadecimal digits that is not zero.
fn digits(text: &str, count: usize) -> Option<Box<str>> {
    let fits = text.len() == count && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    (fits && text.bytes().any(|digit| digit != b'0')).then(|| text.to_ascii_lowercase().into())
}

/// What a caller calls it, unless it is nothing a log should hold.
fn sane(id: &str) -> Option<Box<str>> {
    ((1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())).then(|| id.into())
}

/// An id for an invocation that brought none, in the form of a trace id: the time, and a number that no other of this process
/// has and another process hardly.
fn fresh() -> Box<str> {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("first"));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Multiplied by an odd number, different ones stay different.
    let number = FIRST.wrapping_add(COUNT.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut digits = [0; 32];
    let (time, rest) = digits.split_at_mut(16);
    hexadecimal(time, u64::try_from(now.as_micros()).unwrap_or_default());
    hexadecimal(rest, number);
    std::str::from_utf8(&digits).unwrap_or_default().into()
}

fn hexadecimal(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> Current {
        let origin = Arc::new(Origin { function: "hello".into(), has_path: false, outside: Arc::default() });
        let headers: HeaderMap =
            headers.iter().map(|&(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        Current::of_request(&origin, &headers)
    }

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn an_invocation_is_called_what_its_caller_calls_it_else_after_its_trace() {
        let id = |headers: &[(&'static str, &str)]| request(headers).ids().request.to_string();
        let (execution, mine) = (("function-execution-id", "e1"), ("x-request-id", "r1"));
        let cloud = ("x-cloud-trace-context", "105445aa7843bc8bf206b12000100000/1;o=1");
        assert_eq!(id(&[mine, ("traceparent", PARENT), execution]), "e1");
        assert_eq!(id(&[("traceparent", PARENT), mine, ("content-type", "x/y")]), "r1");
        assert_eq!(id(&[cloud, ("traceparent", PARENT)]), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(id(&[cloud]), "105445aa7843bc8bf206b12000100000");
        let fresh = id(&[("x-request-id", "a b"), ("traceparent", "00-00-00-00")]);
        assert!(fresh.len() == 32 && fresh != id(&[]), "{fresh}");
    }

    #[test]
    fn a_trace_is_what_is_one() {
        let of = |header, value: &str| {
            let mut current = request(&[(header, value)]);
            current.ids().trace.as_ref().map(|ids| (ids.trace.to_string(), ids.span.as_deref().map(str::to_owned), ids.sampled))
        };
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c".to_owned(), "b7ad6b7169203331".to_owned());
        assert_eq!(of("traceparent", PARENT), Some((trace.clone(), Some(span), true)));
        assert_eq!(of("traceparent", "00-00000000000000000000000000000000-0000000000000000-00"), None);
        for wrong in ["", "00", "00-xyz-1-1", "00-0af7651916cd43dd8448eb211c80319c"] {
            assert_eq!(of("traceparent", wrong), None, "{wrong}");
        }
        let cloud = of("x-cloud-trace-context", "0AF7651916cd43dd8448eb211c80319c/255;o=0");
        assert_eq!(cloud, Some((trace.clone(), Some("00000000000000ff".to_owned()), false)));
        assert_eq!(of("x-cloud-trace-context", "0af7651916cd43dd8448eb211c80319c"), Some((trace, None, false)));
    }

    #[test]
    fn it_is_there_while_it_runs_and_gone_afterwards() {
        let here = || look(|current| current.map(|current| current.ids().request.to_string()));
        let (mut one, mut two) = (Some(request(&[("x-request-id", "1")])), Some(request(&[("x-request-id", "2")])));
        assert_eq!(here(), None);
        during(&mut one, || {
            assert_eq!(here().unwrap(), "1");
            during(&mut two, || assert_eq!(here().unwrap(), "2"));
            assert_eq!(here().unwrap(), "1");
            look(|_| assert_eq!(here(), None, "what is logged while it is looked at"));
        });
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            during(&mut one, || std::panic::resume_unwind(Box::new(())))
        }));
        assert!(panic.is_err() && here().is_none());
        assert_eq!(&*one.unwrap().ids().request, "1", "a panic leaves it whole");
    }

    #[test]
    fn those_who_share_it_agree_on_its_id() {
        let mut current = Some(request(&[]));
        let mut shared = during(&mut current, || share().unwrap());
        let id = std::thread::spawn(move || shared.ids().request.clone()).join().unwrap();
        assert_eq!(current.as_mut().unwrap().ids().request, id);
        let function = Arc::clone(&request(&[]).origin);
        let nested = during(&mut current, || share().unwrap().routed_to(&function).ids().request.clone());
        assert_eq!(nested, id, "a request that goes through a router is one request");
        assert!(share().is_none());
    }
}
