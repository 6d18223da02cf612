//! A real Chromium without a window, driven through its own driver (WebDriver over HTTP on loopback).
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// One window. It is closed with this value.
pub struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Width and height in pixels; what is downloaded goes to the folder.
    pub fn open(size: (u32, u32), downloads: &Path) -> Browser {
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver =
            driver.expect("this test needs Chromium and its driver: apt-get install chromium chromium-driver");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = |line: String| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse::<u16>().ok();
        let port = lines.map_while(Result::ok).find_map(port).expect("chromedriver says on which port it listens");
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{port}/session") };
        let answer = browser.ask("", &capabilities(size, downloads));
        browser.session = format!("{}/{}", browser.session, answer["sessionId"].as_str().expect("a session"));
        browser
    }

    /// One command of WebDriver; what is asked without a body is a GET.
    fn ask(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let agent: ureq::Agent = agent.build().into();
        let mut answer = agent.post(&url).header("Content-Type", "application/json").send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).expect(&text);
        assert!(answer["value"].get("error").is_none(), "{path}: {text}");
        answer["value"].clone()
    }

    pub fn go(&self, page: &Path) {
        self.go_to(&format!("file://{}", page.display()));
    }

    pub fn go_to(&self, address: &str) {
        self.ask("/url", &json!({ "url": address }));
    }

    /// What a piece of script returns.
    pub fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// As on paper or on a screen, light or dark, so many pixels wide.
    pub fn emulate_media(&self, media: &str, scheme: &str, width: u32) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "media": media, "features": features }));
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// A command of Chromium's own protocol.
    fn devtools(&self, command: &str, parameters: &Value) {
        self.ask("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// Keys as a person presses them, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let press = |key: char| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        self.ask("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// What the page complained of, and every address that it asked for.
    pub fn logs(&self) -> (Vec<String>, Vec<String>) {
        let entries = |kind: &str| match self.ask("/se/log", &json!({ "type": kind })) {
            Value::Array(entries) => {
                entries.iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
            }
            _ => Vec::<String>::new(),
        };
        let asked = entries("performance").into_iter().filter_map(|message| {
            let message: Value = serde_json::from_str(&message).ok()?;
            (message["message"]["method"] == "Network.requestWillBeSent")
                .then(|| message["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
        });
        (entries("browser"), asked.collect())
    }
}

/// Chromium's own sandbox does not work as root, and nobody is there to allow sound.
fn capabilities((width, height): (u32, u32), downloads: &Path) -> Value {
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--autoplay-policy=no-user-gesture-required".to_owned(),
        format!("--window-size={width},{height}"),
    ];
    // More than one download without a person's click is otherwise held back.
    let settings = json!({
        "download.default_directory": downloads,
        "profile.default_content_setting_values.automatic_downloads": 1,
    });
    let options = json!({ "args": arguments, "prefs": settings });
    let logs = json!({ "browser": "ALL", "performance": "ALL" });
    json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options, "goog:loggingPrefs": logs } } })
}

impl Drop for Browser {
    fn drop(&mut self) {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).build();
        ureq::Agent::from(agent).delete(&self.session).call().ok();
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}
