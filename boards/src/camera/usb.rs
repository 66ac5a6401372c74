//! USB cameras (UVC) through V4L2: a thin adapter over nokhwa's raw buffers.
//!
//! nokhwa names a device by the number in `/dev/videoN`, hands out the driver's whole buffer (older remains follow the
//! picture) and may block for ever in `frame()`; [`super::raw`] lives with all three. Its own decoders are not compiled.

use std::{fs, path::Path, sync::Arc};

use nokhwa::{
    Camera as Device, NokhwaError,
    utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution},
};

use super::{
    CameraError,
    raw::{Patience, RawCamera, RawFormat, RawFrame, RawSource, ReaderSeat},
};
use crate::{Clock, board::UsbFacts};

/// Opens the camera of a board file.
///
/// # Errors
/// [`CameraError`]; a wrong path is answered with the cameras of this machine.
pub(crate) fn open(
    facts: &UsbFacts,
    clock: Arc<dyn Clock>,
    seat: &ReaderSeat,
) -> Result<RawCamera, CameraError> {
    let name = facts.device.display().to_string();
    let Some(number) = video_number(&facts.device) else {
        return Err(CameraError::NotThere {
            camera: name,
            found: cameras_of(Path::new("/sys/class/video4linux")),
        });
    };
    let wanted = facts.clone();
    RawCamera::open(&name, clock, seat, Patience::default(), move || {
        Ok(Box::new(Source::open(&wanted, number)?) as Box<dyn RawSource>)
    })
}

/// The number of a `/dev/videoN`, also behind a link as in `/dev/v4l/by-id/`; none if nothing is there.
fn video_number(device: &Path) -> Option<u32> {
    let node = fs::canonicalize(device).ok()?;
    node.file_name()?.to_str()?.strip_prefix("video")?.parse().ok()
}

/// `/dev/video0 (HD Webcam), …`, from the kernel's list. UVC cameras have a second node for metadata, which is listed
/// too: its name is the same.
fn cameras_of(class: &Path) -> String {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| {
            let model = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            format!("/dev/{} ({})", entry.file_name().to_string_lossy(), model.trim())
        })
        .collect();
    found.sort();
    if found.is_empty() { "no camera at all".into() } else { found.join(", ") }
}

struct Source {
    device: Device,
}

impl Source {
    /// Tries the board's formats in their order, each at the wanted size and then at any.
    fn open(facts: &UsbFacts, number: u32) -> Result<Self, CameraError> {
        let mut reasons = Vec::new();
        for &format in &facts.formats {
            let format = match format {
                RawFormat::Yuyv => FrameFormat::YUYV,
                RawFormat::Mjpeg => FrameFormat::MJPEG,
            };
            let size = Resolution::new(facts.width_px, facts.height_px);
            let wanted = CameraFormat::new(size, format, facts.frames_per_second);
            for request in [RequestedFormatType::Closest(wanted), RequestedFormatType::None] {
                match start(number, RequestedFormat::with_formats(request, &[format])) {
                    Ok(device) => return Ok(Self { device }),
                    Err(error) => reasons.push(format!("{format}: {error}")),
                }
            }
        }
        Err(CameraError::Open { camera: facts.device.display().to_string(), reason: reasons.join("; ") })
    }
}

fn start(number: u32, format: RequestedFormat) -> Result<Device, NokhwaError> {
    let mut device = Device::new(CameraIndex::Index(number), format)?;
    device.open_stream()?;
    Ok(device)
}

impl RawSource for Source {
    fn next(&mut self) -> Result<RawFrame, String> {
        let buffer = self.device.frame().map_err(|error| error.to_string())?;
        let format = match buffer.source_frame_format() {
            FrameFormat::YUYV => RawFormat::Yuyv,
            FrameFormat::MJPEG => RawFormat::Mjpeg,
            other @ (FrameFormat::NV12 | FrameFormat::GRAY | FrameFormat::RAWRGB | FrameFormat::RAWBGR) => {
                return Err(format!("it changed its format to {other}"));
            }
        };
        let size = buffer.resolution();
        Ok(RawFrame { format, width: size.width(), height: size.height(), bytes: buffer.buffer().to_vec() })
    }

    fn describe(&self) -> String {
        format!("{} at {}", self.device.info().human_name(), self.device.camera_format())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{os::unix::fs::symlink, path::PathBuf};

    use super::*;
    use crate::BootClock;

    #[test]
    fn a_wrong_path_is_answered_with_the_cameras_of_this_machine() {
        let class = tempfile::tempdir().unwrap();
        assert_eq!(cameras_of(class.path()), "no camera at all");
        for (node, model) in [("video2", "Laptop camera\n"), ("video0", "HD Webcam C920\n")] {
            fs::create_dir(class.path().join(node)).unwrap();
            fs::write(class.path().join(node).join("name"), model).unwrap();
        }
        assert_eq!(cameras_of(class.path()), "/dev/video0 (HD Webcam C920), /dev/video2 (Laptop camera)");
    }

    #[test]
    fn a_stable_link_leads_to_its_device_number() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("video12"), "").unwrap();
        symlink("video12", folder.path().join("usb-Maker_Camera-video-index0")).unwrap();
        assert_eq!(video_number(&folder.path().join("usb-Maker_Camera-video-index0")), Some(12));
        assert_eq!(video_number(&folder.path().join("video13")), None);
        assert_eq!(video_number(Path::new("/dev/null")), None);
    }

    #[test]
    fn a_camera_that_is_not_there_is_named_with_the_key_to_correct() {
        let facts = UsbFacts {
            device: PathBuf::from("/nonexistent/video0"),
            width_px: 640,
            height_px: 480,
            frames_per_second: 30,
            formats: vec![RawFormat::Yuyv],
        };
        let error =
            open(&facts, Arc::new(BootClock), &ReaderSeat::default()).map(|_| ()).unwrap_err().to_string();
        for part in ["/nonexistent/video0", "found instead", "`device`"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
