//! The embedding of a stretch that somebody has reviewed, from its audio.

use std::path::{Path, PathBuf};

use clap::Args;
use giggles::audio::content;
use giggles::audio::ffmpeg::Ffmpeg;
use giggles::domain::{ContentHash, DetectionParameters, Embedding, Reason, RecordingError, ReviewedSpan};
use giggles::error::Fatal;
use giggles::model::LoadedModel;
use giggles::pipeline::{AnalyzeError, Analyzer};
use giggles::pool::guard;
use giggles::stop::Stop;
use giggles::store::{Reader, ScoredSelection};

use crate::cli::settings::{config, ffmpeg, model, tiles, wrong};

/// Where the audio is, and what it is decoded and scored with.
#[derive(Args)]
pub struct Sound {
    /// Read the audio from the recording of that name below this folder
    #[arg(long, value_name = "FOLDER")]
    recordings: Option<PathBuf>,
    /// Decode with ffmpeg what giggles cannot decode; give its path with = or after END [env: GIGGLES_FFMPEG]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "ffmpeg")]
    ffmpeg: Option<PathBuf>,
    /// Use this model file instead of the embedded one [env: GIGGLES_MODEL]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl Sound {
    /// Whether the audio is looked for.
    pub fn is_given(&self) -> bool {
        self.recordings.is_some()
    }

    /// The file of a recording below `--recordings`, if it has the same content.
    pub fn file(&self, name: &str, content: Option<ContentHash>) -> Result<Option<PathBuf>, Fatal> {
        let Some(folder) = &self.recordings else { return Ok(None) };
        if !folder.is_dir() {
            return Err(wrong("--recordings", format!("{} is not a folder; mount its disk", folder.display())));
        }
        let file = folder.join(name);
        if !file.is_file() {
            log::warn!("{} does not exist", file.display());
            return Ok(None);
        }
        if Some(hash(&file)?) != content {
            log::warn!("{} has another content than the stored recording and is not used", file.display());
            return Ok(None);
        }
        Ok(Some(file))
    }

    /// Loads the model.
    pub fn network<'a>(&self, stop: &'a Stop) -> Result<Network<'a>, Fatal> {
        Ok(Network {
            model: model(self.model.as_deref(), &tiles(None)?)?,
            ffmpeg: ffmpeg(self.ffmpeg.as_deref(), stop)?,
            stop,
        })
    }
}

/// What embeddings are computed with.
pub struct Network<'a> {
    model: LoadedModel,
    ffmpeg: Option<Ffmpeg>,
    stop: &'a Stop,
}

impl Network<'_> {
    /// As of a candidate that a scan would find there. None, with a warning: the audio cannot be decoded.
    pub fn embedding(
        &self,
        audio: &Path,
        span: &ReviewedSpan,
        reader: &mut dyn Reader,
    ) -> Result<Option<Embedding>, Fatal> {
        let parameters = parameters(span, reader)?;
        let analyzer = Analyzer {
            scorer: &self.model.yamnet,
            parameters: &parameters,
            personal: None,
            ffmpeg: self.ffmpeg.as_ref(),
            stop: self.stop,
            advanced: &|_| (),
        };
        let computed = guard(|| analyzer.embedding(audio, span.start, span.end))
            .unwrap_or_else(|message| Err(AnalyzeError::Failed(RecordingError::Panicked { message })));
        match computed {
            Ok(embedding) => Ok(embedding),
            Err(AnalyzeError::Stopped) => Err(Fatal::Signal(self.stop.signal().unwrap_or(15))),
            Err(AnalyzeError::Failed(error)) => {
                log::warn!("{}: {error}", audio.display());
                Ok(None)
            }
        }
    }
}

pub fn hash(file: &Path) -> Result<ContentHash, Fatal> {
    let hash = content::hash(file).map(|(content, _)| content);
    hash.map_err(|error| {
        let reason = Reason::new(format!("{}: {error}", file.display()));
        config(reason.caused_by(error))
    })
}

/// Those under which the recording was analyzed.
fn parameters(span: &ReviewedSpan, reader: &mut dyn Reader) -> Result<DetectionParameters, Fatal> {
    let mut parameters = None;
    let wanted = ScoredSelection {
        source: Some(span.source.clone()),
        contents: Some(vec![span.content]),
        ..ScoredSelection::default()
    };
    reader.each_scored(&wanted, &mut |scored| {
        parameters = Some(scored.analysis.parameters);
        Ok(())
    })?;
    Ok(parameters.unwrap_or_default())
}
