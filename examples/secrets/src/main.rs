//! A function that needs a password, which stands neither in the code nor in the environment.
//!
//! ```sh
//! cargo run -p secrets
//! curl localhost:8080
//! ```

use functions_framework::{Context, Error, Result, function};

/// Reads the secret at each call: one that is changed counts from the next call on.
#[function]
async fn account(ctx: Context) -> Result<String> {
    let secret = ctx.secret("vault", "database").await?;
    let value = |name: &str| secret.get(name).ok_or_else(|| Error::new(format!("the secret `database` has no `{name}`")));
    let (user, password) = (value("user")?, value("password")?);
    Ok(format!("signed in as {user}, with a password of {} letters\n", password.chars().count()))
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn a_secret_without_a_password_is_told_without_its_values() {
        let run = testing::open_function(account {}).secret("vault", "database", "hidden").run_bytes("").await;
        let text = format!("{:#}", run.result().unwrap_err());
        assert!(text.contains("has no `user`") && !text.contains("hidden"), "{text}");
    }

    #[tokio::test]
    async fn a_store_that_is_not_there_is_an_error() {
        assert!(testing::open_function(account {}).run_bytes("").await.result().is_err());
    }
}
