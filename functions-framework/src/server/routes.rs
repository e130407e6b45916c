//! Which function a request is for.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, any_service, on_service},
};
use http::{Method, StatusCode};
use tower::{ServiceExt as _, service_fn};

use super::{
    answer::Answer,
    crash,
    endpoint::{Endpoint, Running, answer_without},
    log::{Head, Log},
};
use crate::{
    context::Origin,
    current::{self, Current},
    error::Error,
    function::{
        BoxFuture,
        body::{Request, RequestBody},
    },
};

/// The functions that are served, each with where.
pub(crate) struct Route {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Axum patterns; none stands for every path.
    pub(crate) paths: Vec<String>,
    /// Whether the function was given its path.
    pub(crate) declared: bool,
    /// None stands for every method.
    pub(crate) methods: Vec<Method>,
}

/// A layer of the user's around all functions.
pub(crate) type Layer = Box<dyn FnOnce(Router) -> Router + Send>;

/// The way from a request to its function.
pub(crate) enum Routes {
    /// One function that takes all: nothing to look up.
    One(Arc<Endpoint>),
    Table(Table),
}

/// Who takes which path.
pub(crate) struct Table {
    /// Every pattern, so that the one that fits best is found; with the function, where axum's router would give it nothing that
    /// it does not have alone.
    patterns: matchit::Router<Option<Arc<Endpoint>>>,
    router: Router,
    log: Log,
    nobody: Arc<Origin>,
}

impl Routes {
    /// Builds the table.
    ///
    /// # Errors
    /// A pattern that axum does not take, or two functions that want the same requests, in words for their author.
    pub(crate) fn new(functions: &[Route], layers: Vec<Layer>, max_body_size: usize, log: Log) -> Result<Self, String> {
        if let [route] = functions
            && route.paths.is_empty()
            && route.methods.is_empty()
            && layers.is_empty()
        {
            return Ok(Self::One(Arc::clone(&route.endpoint)));
        }
        let mut router = Router::new();
        let mut patterns = matchit::Router::new();
        for (path, routes) in by_path(functions)? {
            if let Some(path) = path {
                let direct = match routes[..] {
                    [route] if layers.is_empty() && route.needs_no_router() => Some(Arc::clone(&route.endpoint)),
                    _ => None,
                };
                patterns.insert(path, direct).map_err(|error| format!("path {path:?}: {error}"))?;
            }
            let mut methods = MethodRouter::new();
            if routes.iter().all(|route| !route.methods.is_empty()) {
                methods = methods.fallback(async move |request: axum::extract::Request| {
                    let text = "the method is none of those in the Allow header";
                    refuse(&request, Error::refused(StatusCode::METHOD_NOT_ALLOWED, text), log)
                });
            }
            for route in routes {
                let endpoint = Arc::clone(&route.endpoint);
                let service = service_fn(move |request: axum::extract::Request| {
                    let endpoint = Arc::clone(&endpoint);
                    async move { through_router(&endpoint, request, max_body_size).await }
                });
                methods = if route.methods.is_empty() {
                    methods.merge(any_service(service))
                } else {
                    methods.merge(on_service(filter(&route.methods)?, service))
                };
            }
            router = match path {
                Some(path) => router.route(path, methods),
                None => router.fallback_service(methods),
            };
        }
        if functions.iter().all(|route| !route.paths.is_empty()) {
            router = router.fallback(async move |request: axum::extract::Request| {
                let text = "no function is served at this path";
                refuse(&request, Error::refused(StatusCode::NOT_FOUND, text), log)
            });
        }
        for layer in layers {
            router = layer(router);
        }
        let nobody = Origin { function: Box::default(), has_path: false, outside: Arc::default() };
        Ok(Self::Table(Table { patterns, router, log, nobody: Arc::new(nobody) }))
    }

    pub(crate) fn call(&self, request: Request, polled_anyway: bool) -> Routed {
        match self {
            Self::One(endpoint) => Routed::Direct(endpoint.call(request, None, polled_anyway)),
            Self::Table(table) => {
                if let Some(endpoint) = table.direct(request.uri().path()) {
                    return Routed::Direct(endpoint.call(request, None, polled_anyway));
                }
                let nobody = Arc::clone(&table.nobody);
                Routed::Router(Box::pin(route(table.router.clone(), request, table.log, nobody)))
            }
        }
    }
}

impl Table {
    /// The function that takes a path, when a look-up is all it takes.
    fn direct(&self, path: &str) -> Option<&Arc<Endpoint>> {
        self.patterns.at(path).ok().and_then(|found| found.value.as_ref())
    }
}

impl Route {
    /// Whoever was given no path and no methods asks for neither the parameters of a path nor its pattern: alone there are none.
    fn needs_no_router(&self) -> bool {
        !self.declared && self.methods.is_empty()
    }
}

/// A request on its way through its function.
pub(crate) enum Routed {
    Direct(Running),
    Router(BoxFuture<'static, Response>),
}

impl Future for Routed {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Direct(running) => Pin::new(running).poll(context),
            Self::Router(routed) => routed.as_mut().poll(context).map(|response| Ok(response.map(Answer::from))),
        }
    }
}

async fn route(router: Router, request: Request, log: Log, nobody: Arc<Origin>) -> Response {
    let (head, started) = (Head::of(request.method(), request.uri()), Instant::now());
    // What layers log belongs to the request too.
    let mut current = Some(Current::of_request(&nobody, request.headers()));
    // The functions have guards of their own: this one is around the layers.
    let mut answer = pin!(crash::contained(router.oneshot(request.into_axum())));
    match poll_fn(|context| current::during(&mut current, || answer.as_mut().poll(context))).await {
        Ok(Ok(response)) => response,
        Err(crash) => {
            let error = Error::new("a layer panicked");
            current::during(&mut current, || answer_without(error, Some(&crash), &head, started, log))
        }
    }
}

async fn through_router(
    endpoint: &Arc<Endpoint>,
    request: axum::extract::Request,
    max_body_size: usize,
) -> Result<Response, Infallible> {
    let request = Request::new(request, |body| RequestBody::new(body, max_body_size));
    endpoint.call(request, current::share(), false).await.map(|answer| answer.map(Body::new))
}

type ByPath<'a> = BTreeMap<Option<&'a str>, Vec<&'a Route>>;

/// Puts functions of the same path together: they may share it as long as their methods differ.
fn by_path(routes: &[Route]) -> Result<ByPath<'_>, String> {
    let mut table = ByPath::new();
    let mut patterns = matchit::Router::new();
    for route in routes {
        let paths = route.paths.iter().map(|path| Some(path.as_str()));
        let all = route.paths.is_empty().then_some(None);
        for path in paths.chain(all) {
            let sharing = table.entry(path).or_default();
            let name = route.endpoint.name();
            if let Some(other) = sharing.iter().find(|other| overlap(&other.methods, &route.methods)) {
                let what = path.unwrap_or("every path");
                return Err(format!(
                    "functions `{}` and `{name}` both want {what}: give them different paths or methods",
                    other.endpoint.name()
                ));
            }
            if let Some(path) = path
                && sharing.is_empty()
            {
                patterns.insert(path, ()).map_err(|error| format!("function `{name}`: path {path:?}: {error}"))?;
            }
            sharing.push(route);
        }
    }
    Ok(table)
}

fn overlap(one: &[Method], other: &[Method]) -> bool {
    one.iter().any(|method| other.contains(method)) || (one.is_empty() && other.is_empty())
}

fn filter(methods: &[Method]) -> Result<MethodFilter, String> {
    let mut all: Option<MethodFilter> = None;
    for method in methods {
        let one = MethodFilter::try_from(method.clone()).map_err(|_| format!("method {method} cannot be routed"))?;
        all = Some(all.map_or(one, |all| all.or(one)));
    }
    all.ok_or_else(|| "no method".to_owned())
}

/// Answers a request that no function takes.
fn refuse(request: &axum::extract::Request, error: Error, log: Log) -> Response {
    answer_without(error, None, &Head::of(request.method(), request.uri()), Instant::now(), log)
}

/// Answers for an ignored path.
pub(crate) fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        App,
        function::{Function, Options, http::from_axum},
        server::Server,
        startup::{self, Exit},
    };

    async fn hello() {}

    async fn built(functions: Vec<Function>) -> Result<Server, Exit> {
        let built = startup::build(
            functions,
            &crate::settings::Settings::default(),
            &crate::manifest::Manifest::default(),
            None,
            Vec::new(),
            None,
            crate::telemetry::Traces::default(),
        )
        .await;
        built.map(|(server, _)| server)
    }

    /// The error of putting functions with these routes together.
    async fn conflict(routes: &[(&'static str, &str, &[&str])]) -> Option<String> {
        let functions = routes.iter().map(|(name, path, methods)| {
            let options = Options::new(*name).path((*path).to_owned()).methods(methods);
            from_axum(options, hello)
        });
        built(functions.collect()).await.err().map(|exit| exit.to_string())
    }

    #[tokio::test]
    async fn only_functions_that_were_given_nothing_are_looked_up_without_the_router() {
        let functions = vec![
            from_axum(Options::new("free"), hello),
            from_axum(Options::new("asks").methods(&["GET"]), hello),
            from_axum(Options::new("within").path("/free/within".to_owned()), hello),
        ];
        let server = built(functions).await.unwrap();
        let Routes::Table(table) = &*server.routes else { panic!("there are several") };
        for path in ["/free", "/free/", "/free/a/b"] {
            assert_eq!(table.direct(path).map(|endpoint| endpoint.name()), Some("free"), "{path}");
        }
        for path in ["/asks", "/free/within", "/freer", "/"] {
            assert!(table.direct(path).is_none(), "{path}");
        }
    }

    #[tokio::test]
    async fn functions_share_a_path_as_long_as_their_methods_differ() {
        assert_eq!(conflict(&[("a", "/x", &["GET"]), ("b", "/x", &["POST"])]).await, None);
        assert_eq!(conflict(&[("a", "/x", &["GET"]), ("b", "/x", &[])]).await, None);
        let both = conflict(&[("a", "/x", &["GET", "PUT"]), ("b", "/x", &["PUT"])]).await.unwrap();
        assert!(both.contains("`a` and `b` both want /x"), "{both}");
        let both = conflict(&[("a", "/x/{id}", &[]), ("b", "/x/{name}", &[])]).await.unwrap();
        assert!(both.contains("function `b`: path \"/x/{name}\""), "{both}");
    }

    #[test]
    fn an_app_shows_its_functions() {
        assert!(format!("{:?}", App::new().http("hello", hello)).contains("hello"));
    }
}
