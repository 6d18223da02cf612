//! Message services: they show the result of a run to people, but have no start and do not notice a missing run.

use serde_json::json;
use url::Url;

use super::heartbeats::{last_characters, segments, with};
use super::service::{Body, Request, Signal};
use crate::notify::body::end_of;

/// Bytes; ntfy converts a longer message to an attachment.
const NTFY: usize = 4096;
/// Characters; Discord refuses longer messages.
const DISCORD: usize = 1900;
/// Characters; Slack and Mattermost split longer messages.
const CHAT: usize = 3900;

/// `ntfy.sh/TOPIC`, and the usual name of a self-hosted server: `ntfy.example.org/TOPIC`.
pub fn is_ntfy(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.split('.').any(|label| label == "ntfy"))
}

/// `…/message?token=TOKEN`
pub fn is_gotify(url: &Url) -> bool {
    segments(url).last() == Some(&"message") && url.query_pairs().any(|(name, _)| name == "token")
}

/// `hooks.slack.com/services/T…/B…/KEY`, and Discord's `…/slack`, which accepts Slack's format.
pub fn is_slack(url: &Url) -> bool {
    match segments(url)[..] {
        ["services", team, app, _] => team.starts_with('T') && app.starts_with('B'),
        [.., "webhooks", id, _, "slack"] => is_number(id),
        _ => false,
    }
}

/// `discord.com/api/webhooks/NUMBER/KEY`, also with a version: `/api/v10/…`
pub fn is_discord(url: &Url) -> bool {
    match segments(url)[..] {
        ["api", "webhooks", id, _] => is_number(id),
        ["api", version, "webhooks", id, _] => version.starts_with('v') && is_number(id),
        _ => false,
    }
}

/// `…/hooks/KEY`; Rocket.Chat's `…/hooks/ID/KEY`.
pub fn is_mattermost(url: &Url) -> bool {
    let is_key = |text: &str| text.len() >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match segments(url)[..] {
        [.., "hooks", key] | [.., "hooks", _, key] => is_key(key),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Title, priority and tags in the URL itself are kept.
pub fn ntfy(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let Signal::Ended { code, text } = signal else { return None };
    let (priority, tags) = if *code == 0 { ("low", "white_check_mark") } else { ("high", "warning") };
    let (title, own) = (title(*code), [("priority", priority), ("tags", tags)]);
    let is_in_url = |name: &str| url.query_pairs().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let pairs = [("title", title.as_str())].into_iter().chain(own).filter(|(name, _)| !is_in_url(name));
    let url = with(url, &pairs.collect::<Vec<_>>());
    Some(Request { url, body: Some(Body::Text(end_of(text, NTFY).to_owned())) })
}

pub fn gotify(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let Signal::Ended { code, text } = signal else { return None };
    let priority = if *code == 0 { 2 } else { 8 };
    let message = json!({ "title": title(*code), "message": text, "priority": priority });
    Some(Request { url: url.clone(), body: Some(Body::Json(message)) })
}

/// Escapes the text: a file name must not notify people or create a link: `<!channel>`, `<https://…>`.
pub fn slack(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let text = last_characters(text_of(signal)?, CHAT);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Some(Request { url: url.clone(), body: Some(Body::Json(json!({ "text": text, "mrkdwn": false }))) })
}

pub fn discord(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let content = quoted(text_of(signal)?, DISCORD);
    let message = json!({ "content": content, "allowed_mentions": { "parse": [] } });
    Some(Request { url: url.clone(), body: Some(Body::Json(message)) })
}

pub fn mattermost(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let text = quoted(text_of(signal)?, CHAT);
    Some(Request { url: url.clone(), body: Some(Body::Json(json!({ "text": text }))) })
}

fn text_of<'a>(signal: &Signal<'a>) -> Option<&'a str> {
    match signal {
        Signal::Ended { text, .. } => Some(text),
        _ => None,
    }
}

/// The text as a code block, without markup: no link, no emphasis, no `@all`.
fn quoted(text: &str, most: usize) -> String {
    format!("```\n{}\n```", last_characters(text, most).replace('`', "'"))
}

fn title(code: u8) -> String {
    if code == 0 { "giggles: complete".to_owned() } else { format!("giggles: exit code {code}") }
}
