//! `kiosk person`: what is held about somebody. A look-up and an export need a reason and are on record; an erasure needs
//! `--yes` and says what stays.

mod page;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use super::{Outcome, vault::Vault};
use crate::{
    arguments::{self, Common},
    office::{
        Ask, Told,
        people::{Erased, Listed, Shown},
    },
    output::Format,
};

/// What an erasure leaves.
const STAYS: &str = "\
残るもの：来館者の数（だれの来館かは、もうわかりません）、封をした記録（鍵を消すので、もう開きません）、消したという記録と番号。
前に取った控え（バックアップ）の中のものは、ここからは消えません。控えも消すか、期限で捨ててください。
What stays: the counts of visitors (nobody can tell whose visits they were), sealed records (their key is gone, so they no
longer open), the record of the erasure and the id. Backups that were made before are not reached from here: delete them
as well, or let them expire.";

#[derive(Debug, Error)]
enum PersonError {
    #[error(
        "何も消していません。消すには --yes を付けてください。元に戻せません\n  nothing was erased; add --yes to erase. It \
         cannot be undone\n{STAYS}"
    )]
    NotConfirmed,
    #[error(
        "cannot write {path}: give a folder of yours with space; files that are there are not overwritten"
    )]
    Write { path: PathBuf, source: io::Error },
}

pub(crate) fn person(common: &Common, format: Format, command: &arguments::Person) -> Outcome {
    use arguments::Person;
    match command {
        Person::List => list(common, format),
        Person::Show { person, why } => show(common, format, person, why),
        Person::Export { person, why, out } => export(common, format, person, why, out),
        Person::Erase { yes: false, .. } => Err(PersonError::NotConfirmed.into()),
        Person::Erase { person, yes: true } => erase(common, format, person),
    }
}

fn list(common: &Common, format: Format) -> Outcome {
    let Told::People { people } = Vault::open(&common.data)?.office(Ask::People)? else { return Ok(()) };
    if people.is_empty() && format == Format::Text {
        println!("だれも登録されていません\nnobody is enrolled");
    }
    for person in &people {
        format.print(person, listed);
    }
    Ok(())
}

fn listed(it: &Listed) -> String {
    let standing = if it.active { "有効 active " } else { "取消 revoked" };
    let mut text = format!("{}  {standing}  顔 references {}", it.person, it.references);
    if let Some(household) = &it.household {
        let role = if it.representative { "代表 representative" } else { "家族 member" };
        text.push_str(&format!("  {role} {}", household.get(..8).unwrap_or(household)));
    }
    if it.valid_from.is_some() || it.valid_until.is_some() {
        let open = |day: &Option<String>| day.clone().unwrap_or_else(|| "…".into());
        text.push_str(&format!("  {}～{}", open(&it.valid_from), open(&it.valid_until)));
    }
    let name = it.name.as_deref().unwrap_or("（保護のため非表示 protected, not shown）");
    format!("{text}  {name}")
}

fn show(common: &Common, format: Format, person: &str, why: &str) -> Outcome {
    let ask = Ask::Person { person: person.into(), why: why.into() };
    if let Told::Person(shown) = Vault::open(&common.data)?.office(ask)? {
        format.print(shown.as_ref(), text_of);
    }
    Ok(())
}

fn text_of(it: &Shown) -> String {
    let or_unknown = |value: &Option<String>| value.clone().unwrap_or_else(|| "－".into());
    let residency = match it.residency.as_deref() {
        Some("resident") => format!(
            "市内 resident {}～{}",
            it.resident_from.as_deref().unwrap_or("…"),
            it.resident_until.as_deref().unwrap_or("…")
        ),
        Some(_) => "市外 non-resident".into(),
        None => "－".into(),
    };
    let protected = if it.listed.protected { "あり yes" } else { "なし no" };
    [
        listed(&it.listed),
        format!("生年月日 born: {}", or_unknown(&it.born)),
        format!("住所 residency: {residency}"),
        format!("最後に確認した日 last confirmed: {}", or_unknown(&it.confirmed)),
        format!("本人確認 assurance: {}", it.assurance),
        format!("保護 protection: {protected}"),
        format!("定期券・回数券 passes and coupons: {}", it.passes),
        format!("カード・コード cards and codes: {}", it.cards),
        format!("同意 consents: {}", it.consents.join(", ")),
        format!("新しい登録 reinstated as: {}", or_unknown(&it.reinstated_as)),
        "この閲覧は記録されました this look-up is on record".into(),
    ]
    .join("\n")
}

#[derive(Serialize)]
struct Exported {
    json: PathBuf,
    page: PathBuf,
}

fn export(common: &Common, format: Format, person: &str, why: &str, out: &Path) -> Outcome {
    let folder = fs::DirBuilder::new().recursive(true).mode(0o700).create(out);
    folder.map_err(|source| PersonError::Write { path: out.into(), source })?;
    let ask = Ask::Export { person: person.into(), why: why.into() };
    let Told::Export { held } = Vault::open(&common.data)?.office(ask)? else { return Ok(()) };
    let exported = Exported {
        json: out.join(format!("person-{person}.json")),
        page: out.join(format!("person-{person}.html")),
    };
    write(&exported.json, &serde_json::to_string_pretty(&held)?)?;
    write(&exported.page, &page::write(&held))?;
    format.print(&exported, |it| {
        format!(
            "持っている情報をすべて書き出しました。記録されました\neverything that is held was written; it is on record\n  \
             {}\n  {}",
            it.json.display(),
            it.page.display()
        )
    });
    Ok(())
}

/// For its owner alone, and never in the place of another file.
fn write(path: &Path, text: &str) -> Result<(), PersonError> {
    let failed = |source| PersonError::Write { path: path.into(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn erase(common: &Common, format: Format, person: &str) -> Outcome {
    let ask = Ask::Erase { person: person.into() };
    if let Told::Erased(erased) = Vault::open(&common.data)?.office(ask)? {
        format.print(&erased, |Erased { people, record, log_emptied }| {
            let later = if *log_emptied {
                ""
            } else {
                "\n古いページは、次にデータを整理するときに消えます\nolder pages go when the data file is next tidied"
            };
            let (ids, run, seq) = (people.join(", "), &record.run, record.seq);
            format!("消しました erased: {ids}\n記録 record {run}:{seq}{later}\n{STAYS}")
        });
    }
    Ok(())
}
