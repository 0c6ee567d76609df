//! Which version is what, and how decisions move the aliases: the same for every home.

use crate::{Action, Alias, Aliases, Change, Reason, RegistryError, Version};

/// What a decision is taken on.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// Where aliases point.
    pub aliases: Aliases,
    /// Numbers of the versions that are there, rising.
    pub numbers: Vec<u64>,
    /// What was decided before.
    pub history: Vec<Change>,
    /// Where that is, for messages.
    pub place: String,
}

/// A decision that is to be written.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is decided.
    pub action: Action,
    /// Of which version.
    pub version: u64,
    /// Which is the champion until then.
    pub from: Option<u64>,
    /// Where each alias points afterwards; those that are not named stay.
    pub moves: Vec<(Alias, Option<u64>)>,
    /// Why.
    pub reason: Reason,
}

impl Plan {
    /// The decision as it is kept.
    pub(crate) fn change(self, number: u64) -> Change {
        Change {
            number,
            at_ms: crate::history::now_ms(),
            action: self.action,
            version: self.version,
            from: self.from,
            who: self.reason.who,
            why: self.reason.why,
            evidence: self.reason.evidence,
        }
    }
}

pub(crate) fn numbers(versions: &[Version]) -> Vec<u64> {
    versions.iter().map(|version| version.number).collect()
}

/// The version that is to answer.
pub(crate) fn champion(aliases: &Aliases, numbers: &[u64]) -> Option<u64> {
    let named = |alias| {
        aliases
            .get(alias)
            .filter(|version| numbers.contains(version))
    };
    named(&Alias::Champion)
        .or_else(|| named(&Alias::Previous))
        .or_else(|| numbers.last())
        .copied()
}

impl Stage {
    /// The version that is to answer.
    pub fn champion(&self) -> Option<u64> {
        champion(&self.aliases, &self.numbers)
    }

    fn check(&self, number: u64) -> Result<(), RegistryError> {
        match self.numbers.contains(&number) {
            true => Ok(()),
            false => Err(RegistryError::NoVersion {
                number,
                place: self.place.clone(),
            }),
        }
    }

    /// What was the champion before `number` last became it.
    fn before(&self, number: u64) -> Option<u64> {
        let came = |change: &&Change| change.version == number && change.action == Action::Promoted;
        let from = self.history.iter().rev().find(came)?.from?;
        self.numbers.contains(&from).then_some(from)
    }
}

pub(crate) fn promote(stage: &Stage, number: u64, reason: &Reason) -> Result<Plan, RegistryError> {
    stage.check(number)?;
    // A version that is new and has no rival but itself has no predecessor. Where no alias was set
    // the champion was the newest of the others.
    let from = match stage.aliases.contains_key(&Alias::Champion) {
        true => stage.champion(),
        false => {
            let others = stage
                .numbers
                .iter()
                .copied()
                .filter(|version| *version != number);
            others.max()
        }
    };
    let mut moves = vec![(Alias::Champion, Some(number))];
    if from != Some(number) {
        moves.push((Alias::Previous, from));
    }
    if stage.aliases.get(&Alias::Challenger) == Some(&number) {
        moves.push((Alias::Challenger, None));
    }
    Ok(Plan {
        action: Action::Promoted,
        version: number,
        from,
        moves,
        reason: reason.clone(),
    })
}

pub(crate) fn keep(stage: &Stage, number: u64, reason: &Reason) -> Result<Plan, RegistryError> {
    stage.check(number)?;
    let mut moves = vec![(Alias::Challenger, Some(number))];
    let mut others = stage.clone();
    others.numbers.retain(|version| *version != number);
    let from = stage
        .aliases
        .get(&Alias::Champion)
        .copied()
        .filter(|version| stage.numbers.contains(version))
        .or(others.champion());
    if let Some(from) = from {
        moves.push((Alias::Champion, Some(from)));
    }
    Ok(Plan {
        action: Action::Kept,
        version: number,
        from,
        moves,
        reason: reason.clone(),
    })
}

pub(crate) fn pin(stage: &Stage, who: &str) -> Result<Plan, RegistryError> {
    if stage.aliases.contains_key(&Alias::Champion) {
        return Err(RegistryError::IsPinned);
    }
    let newest = stage.champion().ok_or(RegistryError::IsPinned)?;
    Ok(Plan {
        action: Action::Pinned,
        version: newest,
        from: Some(newest),
        moves: vec![(Alias::Champion, Some(newest))],
        reason: Reason {
            who: who.to_owned(),
            why: "it was the newest before there were aliases".to_owned(),
            evidence: serde_json::Value::Null,
        },
    })
}

pub(crate) fn rollback(stage: &Stage, reason: &Reason) -> Result<Plan, RegistryError> {
    let from = stage.champion();
    let previous = stage.aliases.get(&Alias::Previous).copied();
    let there =
        previous.filter(|version| stage.numbers.contains(version) && Some(*version) != from);
    let Some(back) = there else {
        return Err(RegistryError::NoPrevious {
            place: stage.place.clone(),
        });
    };
    Ok(Plan {
        action: Action::RolledBack,
        version: back,
        from,
        moves: vec![
            (Alias::Champion, Some(back)),
            (
                Alias::Previous,
                stage.before(back).filter(|version| Some(*version) != from),
            ),
        ],
        reason: reason.clone(),
    })
}
