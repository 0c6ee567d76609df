//! Whether `[class]` fits.

use crate::schema::{Kind, Schema, Task};

impl Schema {
    /// Whether `[class]` fits the task and the target.
    pub(super) fn check_class(&self) -> Result<(), String> {
        let target = self.target.as_ref().and_then(|name| self.field(name));
        let (Task::Classification, Some(target)) = (self.task, target) else {
            return match &self.class {
                None => Ok(()),
                Some(_) => Err(format!(
                    "[class] is for task classification, found task {:?}",
                    self.task
                )),
            };
        };
        let (at_least, level) = match &self.class {
            Some(class) => (class.at_least, class.level.as_deref()),
            None => (None, None),
        };
        let is_whole = match target.kind {
            Kind::Boolean => at_least.is_none() && level.is_none(),
            // Without a section every level is a class.
            Kind::Category => self.class.is_none() || (at_least.is_none() && level.is_some()),
            _ => at_least.is_some_and(f64::is_finite) && level.is_none(),
        };
        let name = &target.name;
        match is_whole {
            true => Ok(()),
            false => Err(format!(
                "[class] does not define which {name:?} belong to the class: expected {}",
                match target.kind {
                    Kind::Boolean => "only a name, because true belongs to the class",
                    Kind::Category =>
                        "name and level, such as level = \"sold\"; or no [class], to predict which level it is",
                    _ =>
                        "name and at_least, such as at_least = 7; or a target of kind category without [class], to \
                         predict which level it is",
                }
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, class: &str) -> Result<Schema, String> {
        let text = format!(
            "name='x'\nversion=1\ntask='classification'\ntable='x'\nkey='id'\ntarget='y'\n{class}\n\
             [[field]]\nname='id'\nkind='text'\n[[field]]\nname='y'\nkind='{kind}'\n"
        );
        Schema::parse(&text, "x").map_err(|error| error.to_string())
    }

    #[test]
    fn a_class_says_which_targets_are_of_it() {
        let good = "[class]\nname='good'\nat_least=7\n";
        assert_eq!(parse("integer", good).expect("fits").class_name(), "good");
        assert_eq!(parse("boolean", "").expect("fits").class_name(), "y");
        let sold = "[class]\nname='gone'\nlevel='sold'\n";
        assert!(!parse("category", sold).expect("fits").is_multiclass());
        assert!(parse("category", "").expect("fits").is_multiclass());
        assert!(!parse("boolean", "").expect("fits").is_multiclass());
        for (kind, class, expected) in [
            ("integer", "", "at_least = 7"),
            ("integer", sold, "at_least = 7"),
            ("number", "", "or a target of kind category without [class]"),
            ("text", "", "or a target of kind category without [class]"),
            ("category", good, "level ="),
            ("category", "[class]\nname='gone'\n", "or no [class]"),
            ("boolean", good, "only a name"),
        ] {
            let error = parse(kind, class).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let text = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='y'\n\
            [class]\nname='good'\nat_least=7\n[[field]]\nname='id'\nkind='text'\n[[field]]\n\
            name='y'\nkind='number'\n";
        let error = Schema::parse(text, "x").expect_err("no classification");
        assert!(
            error.to_string().contains("is for task classification"),
            "{error}"
        );
    }
}
