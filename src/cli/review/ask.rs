//! `giggles review` without a command: shows one laugh after the other, plays it, and stores what each key says.
//!
//! Invariant: each change is committed before the next stretch is shown.

use clap::Args;
use giggles::audio::window::day;
use giggles::clips::ClipLocation;
use giggles::domain::{Reason, ReviewedSpan, Window};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::reviews::{ItemView, ended, item};
use giggles::reviews::queue::{Wanted, queue};
use giggles::reviews::session::{KEYS, Key, Session};
use giggles::store::{self, Store};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::keys::{Keys, restore};
use super::player::Player;
use crate::cli::print_text;
use crate::cli::settings::given_by_variable;
use crate::cli::signals::SignalHandler;
use crate::cli::stored::{ClipFolder, Stored};

/// Days shown unless flags say otherwise, with today.
const DAYS: i64 = 7;

/// The flags of `giggles review`.
#[derive(Args)]
pub struct Ask {
    /// Also show laughs that have a verdict
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    clips: ClipFolder,
    #[command(flatten)]
    stored: Stored,
}

pub fn run(arguments: &Ask, quiet: bool, signals: &SignalHandler) -> Result<Exit, Fatal> {
    let (clips, database) = (arguments.clips.location()?, arguments.stored.database.location()?);
    arguments.stored.range.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let window = match arguments.stored.range.window(&zone)? {
        all if all == Window::default() => last_days(&zone),
        window => window,
    };
    let source = arguments.stored.source()?;
    let wanted = Wanted { source, window, zone: zone.clone(), with_reviewed: arguments.all };
    let items = queue(reader.as_mut(), &wanted)?;
    if items.is_empty() {
        let next = "give --from for earlier days, --all for reviewed ones, or analyze recordings with giggles scan";
        say(quiet, &format!("nothing to review{}; {next}\n", since(&window, &zone)))?;
        return Ok(Exit::Complete);
    }
    drop(reader);
    signals.set_shutdown_hook(|signal| {
        restore();
        Fatal::Signal(signal).exit().code()
    });
    let mut dialog = Dialog {
        with_source: items.iter().any(|item| item.source != items[0].source),
        session: Session::new(items),
        store: store::open(&database)?,
        keys: Keys::new(&signals.stop),
        player: player(clips.as_ref())?,
        zone,
        quiet,
    };
    dialog.run()?;
    drop(dialog);
    // Without the message of a run that a signal ended: what was said is stored.
    Ok(signals.stop.signal().map_or(Exit::Complete, |signal| Fatal::Signal(signal).exit()))
}

/// From the first instant of the day a week ago.
fn last_days(zone: &TimeZone) -> Window {
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let first = today.checked_sub((DAYS - 1).days()).unwrap_or(today);
    Window { to: None, ..day(first, zone) }
}

fn since(window: &Window, zone: &TimeZone) -> String {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let from = window.from.map(|from| format!(" from {}", day(from)));
    let to = window.to.map(|to| format!(" to {}", day(to)));
    [from, to].into_iter().flatten().collect()
}

/// Why clips are not played, or the player.
type Sound = Result<Player, String>;

fn player(clips: Option<&ClipLocation>) -> Result<Sound, Fatal> {
    let given = given_by_variable("GIGGLES_PLAYER")?.map(|player| player.text);
    Ok(match clips.map(ClipLocation::folder) {
        None => Err("give the folder of the clips with --clips".into()),
        Some(None) => Err("clips in a bucket are not played; copy them to a folder".into()),
        Some(Some(folder)) => Player::find(folder, given),
    })
}

fn say(quiet: bool, text: &str) -> Result<(), Fatal> {
    if quiet { Ok(()) } else { print_text(text) }
}

struct Dialog {
    session: Session,
    store: Box<dyn Store>,
    keys: Keys,
    player: Sound,
    zone: TimeZone,
    with_source: bool,
    quiet: bool,
}

impl Dialog {
    fn run(&mut self) -> Result<(), Fatal> {
        self.say(&format!("{KEYS}\n"))?;
        if let Err(why) = &self.player {
            self.say(&format!("no sound: {why}\n"))?;
        }
        self.show()?;
        while let Some(key) = self.keys.key().map_err(unreadable)? {
            match key {
                Key::Verdict(verdict) => {
                    let change = self.session.verdict(verdict, Timestamp::now());
                    self.store(change)?;
                    self.show()?;
                }
                Key::Comment => self.comment()?,
                Key::Favourite => {
                    let change = self.session.favourite(Timestamp::now());
                    self.store(change)?;
                    self.show()?;
                }
                Key::Play => self.play()?,
                Key::Skip => {
                    self.session.skip();
                    self.show()?;
                }
                Key::Back => {
                    self.session.back();
                    self.show()?;
                }
                Key::Undo => {
                    let change = self.session.undo(Timestamp::now());
                    self.store(change)?;
                    self.show()?;
                }
                Key::Quit => break,
            }
        }
        restore();
        let (confirmed, rejected) = self.session.counts();
        self.say(&ended(confirmed, rejected))
    }

    /// Shows and plays the current stretch.
    fn show(&mut self) -> Result<(), Fatal> {
        let Some((number, current)) = self.session.current() else {
            return self.say("that was the last one; u undo, b back, q quit\n");
        };
        let view = ItemView { number, of: self.session.len(), with_source: self.with_source, zone: &self.zone };
        self.say(&item(current, &view))?;
        if current.clip.is_some() { self.play() } else { Ok(()) }
    }

    fn play(&mut self) -> Result<(), Fatal> {
        let clip = self.session.current().and_then(|(_, item)| item.clip.clone());
        let played = match &mut self.player {
            Ok(player) => player.play(clip.as_deref()),
            // Said once, at the start.
            Err(_) => Ok(()),
        };
        played.or_else(|why| self.say(&format!("  not played: {why}\n")))
    }

    fn comment(&mut self) -> Result<(), Fatal> {
        if self.session.current().is_none() {
            return Ok(());
        }
        if self.keys.is_terminal {
            print_text("  comment: ")?;
        }
        if let Some(text) = self.keys.line().map_err(unreadable)? {
            match giggles::reviews::comment(&text) {
                Ok(comment) => {
                    let change = self.session.comment(comment.as_deref().unwrap_or_default(), Timestamp::now());
                    self.store(change)?;
                }
                Err(why) => log::error!("{why}; it was not stored"),
            }
        }
        self.show()
    }

    fn store(&mut self, change: Option<ReviewedSpan>) -> Result<(), Fatal> {
        let Some(change) = change else { return Ok(()) };
        self.store.save_reviews(&[change], false)?;
        Ok(())
    }

    fn say(&self, text: &str) -> Result<(), Fatal> {
        say(self.quiet, text)
    }
}

fn unreadable(error: std::io::Error) -> Fatal {
    Fatal::Failed(Reason::new(format!("standard input cannot be read: {error}")).caused_by(error))
}
