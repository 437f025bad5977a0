//! Chats that take messages of their own form only.

use crate::ui::{Answer, Document};

/// Longest message that Discord takes, in characters.
const DISCORD_LONGEST: usize = 2000;

/// How `document`, whose words for people are `text`, is sent to `host`: as it is, but for the chats that take messages of
/// their own form only. Slack and Google Chat want `text`, Discord `content`.
pub(super) fn body(host: &str, document: &impl Answer, text: &str) -> String {
    let is = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let body = if is("slack.com") || is("chat.googleapis.com") {
        Ok(serde_json::json!({ "text": text }))
    } else if is("discord.com") || is("discordapp.com") {
        // Longer ones are refused there.
        Ok(serde_json::json!({ "content": text.chars().take(DISCORD_LONGEST).collect::<String>() }))
    } else {
        serde_json::to_value(Document::of(document))
    };
    body.map(|body| body.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::answers::{Event, TriedAddress};

    #[test]
    fn report_127_chats_get_what_they_take() {
        let tried =
            TriedAddress { event: Event::Test, text: "x".repeat(3000), host: "box", sent_at: DateTime::UNIX_EPOCH };
        let sent =
            |host: &str| -> serde_json::Value { serde_json::from_str(&body(host, &tried, &tried.text)).unwrap() };
        assert_eq!(sent("hooks.slack.com"), serde_json::json!({ "text": tried.text }));
        for host in ["discord.com", "ptb.discord.com", "discordapp.com"] {
            let sent = sent(host);
            assert_eq!(sent["content"].as_str().unwrap().len(), 2000, "{host}");
            assert_eq!(sent.as_object().unwrap().len(), 1, "{host}");
        }
        for host in ["example.org", "notslack.com", "slack.com.example.org"] {
            assert_eq!(sent(host)["event"], "test", "{host}");
        }
    }
}
