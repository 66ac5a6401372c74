//! What went wrong, for the program that asked and the person before it: `application/problem+json` (RFC 9457). The detail
//! says what to do. Nothing of a person stands in it, nor in the log: what was sent is never quoted.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// The name of this sort of problem: `urn:genkan:problem:` and one word.
    #[serde(rename = "type")]
    kind: String,
    /// The sort, in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to do.
    detail: String,
    /// Seconds after which to try again.
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let (kind, detail) = (format!("urn:genkan:problem:{word}"), detail.into());
        Self { kind, title, status: status.as_u16(), detail, retry_after_s: None }
    }

    /// Who asks is not known.
    pub(crate) fn unknown_operator() -> Self {
        let detail = "サインインしてください。Sign in: POST /v1/sessions, then send the token as `Authorization: Bearer …`. A \
                      session ends after 15 minutes without use.";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "no session", detail)
    }

    /// A name or a password is wrong, or nobody may try now. The same words for all three, so that nobody learns names.
    pub(crate) fn refused_sign_in() -> Self {
        let detail = "名前かパスワードが違うか、まちがいが続いたのでしばらく止めています。Name or password is wrong, or too many \
                      wrong tries were made: wait a few minutes, or let whoever runs the registry set a new password.";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in-refused", "not signed in", detail)
    }

    /// The operator may not.
    pub(crate) fn forbidden() -> Self {
        let detail = "この操作の権限がありません。Your role does not cover this here; ask whoever runs the registry \
                      (`registry operator grant`).";
        Self::new(StatusCode::FORBIDDEN, "role", "not allowed", detail)
    }

    /// Nothing here has this id, or the operator may not know.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", "not found", detail)
    }

    /// What was asked cannot be done as things stand.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "cannot be done as things stand", detail)
    }

    /// What was sent makes no sense.
    pub(crate) fn unusable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unusable", "cannot be used", detail)
    }

    /// What was sent is no request.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "not understood", detail)
    }

    /// Too large.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "too large", detail)
    }

    /// Too often.
    pub(crate) fn too_often(retry_after_s: u32) -> Self {
        let detail = format!("Too many requests of this sort: try again in {retry_after_s} s.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "too often", detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// Something here is not as it must be; the log has the cause.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = crate::say::explain(error), "http request");
        let detail = "何も変わっていません。The registry could not do it, and nothing was changed. Its log has the cause; try \
                      again when it is mended.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the registry failed", detail)
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("words and a number");
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
