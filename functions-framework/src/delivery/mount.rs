//! Where the sidecar's calls come in: before the functions' own routes, in both protocols.

use std::{fmt, sync::Arc};

use axum::response::Response;

#[cfg(feature = "dapr")]
use super::grpc::Grpc;
use super::{Inputs, Token, http::Http};
use crate::{
    function::{BoxFuture, body::Request},
    server::routes::Routes,
};

/// Takes requests that are not for a function's route.
pub(crate) trait Mount: fmt::Debug + Send + Sync {
    /// Looks at a request, and gives what answers it; none when it is none of the sidecar's, as most are.
    fn take(&self, request: &Request) -> Option<Taker<'_>>;
}

/// Answers the request that was looked at.
pub(crate) type Taker<'a> = Box<dyn FnOnce(Request) -> BoxFuture<'static, Response> + 'a>;

/// The sidecar's calls.
#[derive(Debug)]
pub(crate) struct Callbacks {
    http: Http,
    #[cfg(feature = "dapr")]
    grpc: Grpc,
}

/// What the calls are held to.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) token: Token,
    pub(crate) max_body_size: usize,
    /// Whether functions are called by events only: then what is no known call is an event that went astray.
    pub(crate) events_only: bool,
    /// The paths that functions were given, in axum's syntax; they keep them.
    pub(crate) taken: Vec<String>,
}

impl Callbacks {
    pub(crate) fn new(inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Self {
        let rules = Arc::new(rules);
        Self {
            #[cfg(feature = "dapr")]
            grpc: Grpc::new(Arc::clone(&inputs), Arc::clone(&rules), routes),
            http: Http::new(inputs, rules),
        }
    }
}

impl Mount for Callbacks {
    fn take(&self, request: &Request) -> Option<Taker<'_>> {
        #[cfg(feature = "dapr")]
        if let Some(taker) = self.grpc.take(request) {
            return Some(taker);
        }
        self.http.take(request)
    }
}
