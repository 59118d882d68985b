//! Values of a running template. Lists and maps are shared and can be changed, as Java's are; they live in a heap of
//! their own that goes when the template is done, so that a list or map which holds itself costs nothing.

use std::{collections::HashMap, sync::Arc};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// The value of what is not there. It is written as nothing.
    Null,
    /// A member that `$context` or `$stageVariables` does not have, or a parameter that there is not: the empty text,
    /// but as false as null.
    Absent,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    List(ListId),
    Map(MapId),
    /// A name and its value: the list has these two elements.
    Entry(ListId),
    /// `$foreach` of the loop with this number, counted from the outermost.
    Loop(usize),
    Input,
    Util,
    StageVariables,
    /// `$context`, or what stands before the last dot of a member's name, with that dot.
    Context(Arc<str>),
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    pub(super) fn count(count: usize) -> Value {
        Value::Int(i128::try_from(count).unwrap_or(i128::MAX))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Value::Null | Value::Absent)
    }

    /// SOURCE: the VTL reference: what is neither false nor null counts as true, the empty text too.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Value::Null | Value::Absent | Value::Bool(false))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListId(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MapId(usize);

#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) elements: Vec<Value>,
    /// True when the list was read from JSON; then it is written as JSON, with all that it holds.
    pub(super) is_json: bool,
}

/// A map that keeps the order in which its members came.
#[derive(Debug, Default)]
pub(super) struct Map {
    members: Vec<(Arc<str>, Value)>,
    indices: HashMap<Arc<str>, usize>,
    /// True when names are the same in upper and lower case, as those of headers are.
    folded: bool,
}

impl Map {
    /// Makes a map of headers.
    pub(super) fn folded() -> Map {
        Map {
            folded: true,
            ..Map::default()
        }
    }

    pub(super) fn members(&self) -> &[(Arc<str>, Value)] {
        &self.members
    }

    fn key(&self, name: &str) -> Arc<str> {
        if self.folded {
            name.to_ascii_lowercase().into()
        } else {
            name.into()
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let index = if self.folded {
            self.indices.get(&self.key(name))?
        } else {
            self.indices.get(name)?
        };
        self.members.get(*index).map(|(_, value)| value)
    }

    /// Sets a member and gives what it was before.
    pub(super) fn put(&mut self, name: &str, value: Value) -> Option<Value> {
        let key = self.key(name);
        if let Some(index) = self.indices.get(&key)
            && let Some((_, old)) = self.members.get_mut(*index)
        {
            return Some(std::mem::replace(old, value));
        }
        self.indices.insert(key, self.members.len());
        self.members.push((name.into(), value));
        None
    }

    /// Takes a member out. Its cost grows with the map.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let index = self.indices.remove(&self.key(name))?;
        for other in self.indices.values_mut() {
            if *other > index {
                *other -= 1;
            }
        }
        (index < self.members.len()).then(|| self.members.remove(index).1)
    }

    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.indices.clear();
    }
}

/// All lists and maps of a running template.
#[derive(Debug, Default)]
pub(super) struct Heap {
    lists: Vec<List>,
    maps: Vec<Map>,
}

impl Heap {
    pub(super) fn add_list(&mut self, list: List) -> ListId {
        self.lists.push(list);
        ListId(self.lists.len() - 1)
    }

    pub(super) fn add_map(&mut self, map: Map) -> MapId {
        self.maps.push(map);
        MapId(self.maps.len() - 1)
    }

    pub(super) fn list(&self, id: ListId) -> &List {
        &self.lists[id.0]
    }

    pub(super) fn list_mut(&mut self, id: ListId) -> &mut List {
        &mut self.lists[id.0]
    }

    pub(super) fn map(&self, id: MapId) -> &Map {
        &self.maps[id.0]
    }

    pub(super) fn map_mut(&mut self, id: MapId) -> &mut Map {
        &mut self.maps[id.0]
    }

    /// Returns an element of a list that may not be so long.
    pub(super) fn element(&self, id: ListId, index: usize) -> Value {
        let element = self.list(id).elements.get(index);
        element.cloned().unwrap_or(Value::Null)
    }
}
