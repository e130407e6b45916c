use functions_framework::{CloudEvent, function};

#[function(methods(POST, PUT))]
async fn created(_: CloudEvent<u8>) {}
