//! What the commands do; those about codes are in `code`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use ledger::{AuthorId, GroupId};
use qrcode::{EcLevel, QrCode, render};
use wire::Tenant;
use wire::broker::{self, Broker};

use crate::arguments::{Cli, Command, Device, Facility};
use crate::code;
use crate::config::Config;
use crate::directory::Directory;
use crate::failure::{Done, Failure};
use crate::office::Office;

/// Does what was asked; gives back what there is to say.
pub(crate) fn dispatch(cli: &Cli) -> Done<String> {
    if let Command::Init { tenant, database, url, listen, broker } = &cli.command {
        let config = Config {
            database: database.clone(),
            url: url.clone(),
            listen: listen.clone(),
            broker: broker.clone(),
            ..Config::of(tenant)
        };
        let voucher = Directory::create(&cli.directory, &config)?;
        Directory::open(&cli.directory)?;
        return Ok(voucher.to_text().trim_end().to_owned());
    }
    let (directory, mut office) = Directory::open(&cli.directory)?;
    if let Command::Run = &cli.command {
        drop(office);
        return crate::service::road::run(&cli.directory);
    }
    let office = &mut office;
    match &cli.command {
        Command::Init { .. } => Err(Failure::Asked("init was done above")),
        Command::Credential { command } => code::credential(&directory, office, command),
        Command::Control { command } => code::control(office, command),
        Command::Facility { command: Facility::Add { name } } => Ok(office.facility_add(name)?.to_string()),
        Command::Facility { command: Facility::List } => {
            let lines = office.facilities()?.into_iter().map(|it| format!("{}  {}", it.group, it.name));
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
        Command::Device { command } => device(&directory, office, command),
        Command::Run => Err(Failure::Asked("run was begun above")),
        Command::Audit { .. } | Command::Status { .. } => {
            Err(Failure::Asked("this version does not do it yet"))
        }
        Command::BrokerConfig { out } => broker_config(&directory, office, out),
    }
}

fn device(directory: &Directory, office: &mut Office, command: &Device) -> Done<String> {
    match command {
        Device::Voucher { facility, name, out, svg } => {
            let facility = facility_of(office, facility)?;
            let voucher = office.voucher(&directory.authority()?, facility, name)?;
            let text = voucher.to_text()?;
            write_secret(out, text.as_bytes())?;
            if *svg {
                let code =
                    QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).map_err(|_| {
                        Failure::Asked("the voucher is too long for a QR code; shorten url in registry.toml")
                    })?;
                let drawn = code.render::<render::svg::Color<'_>>().min_dimensions(400, 400).build();
                write_secret(&out.with_extension("svg"), drawn.as_bytes())?;
            }
            Ok(format!("{}: good once, for seven days", out.display()))
        }
        Device::Join { request, out } => {
            let bytes = fs::read(request);
            let bytes = bytes.map_err(|source| Failure::Io { act: "read", path: request.clone(), source })?;
            let answer = office.device_join(&directory.authority()?, &bytes)?;
            let written = fs::write(out, answer);
            written.map_err(|source| Failure::Io { act: "write", path: out.clone(), source })?;
            Ok(format!("{}: for `sync-agent join --answer`", out.display()))
        }
        Device::List => {
            let line = |it: crate::office::DeviceRow| {
                let standing = if it.expelled_ms.is_some() { "expelled" } else { "member" };
                format!("{}  {standing}  facility {}  epoch {}  {}", it.device, it.group, it.opened, it.name)
            };
            Ok(office.devices()?.into_iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Device::Expel { device } => {
            let device = device_of(office, device)?;
            office.expel(device)?;
            Ok(format!("{device} is expelled; the service gives the others new keys"))
        }
    }
}

/// A facility by its name or id.
pub(crate) fn facility_of(office: &mut Office, text: &str) -> Done<GroupId> {
    let found = office.facilities()?.into_iter().find(|it| it.name == text || it.group.to_string() == text);
    found.map(|it| it.group).ok_or(Failure::Asked("no such facility; `registry facility list` shows them"))
}

/// A device by its name or the beginning of its id, if that is one device alone.
fn device_of(office: &mut Office, text: &str) -> Done<AuthorId> {
    let mut fits = office.devices()?;
    fits.retain(|it| it.expelled_ms.is_none());
    fits.retain(|it| it.name == text || (text.len() >= 8 && it.device.to_string().starts_with(text)));
    match &fits[..] {
        [one] => Ok(one.device),
        [] => Err(Failure::Asked("no such device belongs; `registry device list` shows them")),
        _ => Err(Failure::Asked("several devices are called so; name one by the beginning of its id")),
    }
}

fn broker_config(directory: &Directory, office: &mut Office, out: &Path) -> Done<String> {
    let (host, port) = office.config().broker_address()?;
    let broker = Broker {
        bind: "0.0.0.0".to_owned(),
        port,
        names: vec![host],
        tenant: Tenant::of(&office.config().tenant),
        persistence: false,
        user: "mosquitto".to_owned(),
    };
    let written = broker::write(out, &broker, &directory.authority()?, SystemTime::now());
    written.map_err(|error| Failure::Unusable { path: out.to_owned(), why: error.to_string() })?;
    Ok(format!("mosquitto -c {}/mosquitto.conf", out.display()))
}

/// A file for its owner alone, in the place of one that is there.
fn write_secret(path: &Path, bytes: &[u8]) -> Done<()> {
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)
    };
    write().map_err(|source| Failure::Io { act: "write", path: path.to_owned(), source })
}
