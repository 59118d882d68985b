//! Values: literals, arithmetic, and the methods that Java gives them.

use super::*;

#[test]
fn texts_numbers_and_lists_are_written_down() {
    check(
        "#set($n = 'x')#set($a = \"<$n ${n}y $none>\")$a",
        "<x xy $none>",
    );
    check("#set($a = '<$n>')$a", "<$n>");
    check("#set($a = \"#if(true)y#end\")$a", "y");
    check("#set($a = 'it''s')#set($b = \"a\"\"b\")$a $b", "it's a\"b");
    check(
        "#set($a = 7 + 2 * 3 - 1)#set($b = (1 + 2) * 3)$a $b",
        "12 9",
    );
    check(
        "#set($a = 7 / 2)#set($b = 7 % 4)#set($c = 7.0 / 2)#set($d = -3)$a $b $c $d",
        "3 3 3.5 -3",
    );
    check("#set($a = 1 / 0)[$!a]", "[]");
    check("#set($a = 'a' + 1)#set($b = 1 + 'b')$a $b", "a1 1b");
    check("#set($a = 1e3)#set($b = .5)$a $b", "1000.0 0.5");
    check("#set($a = [])#set($b = {})$a $b", "[] {}");
    check_bad("#set($a = [null])", "value");
    check(
        "#set($a = {'k': [1, 2], \"l\": {'m': 1.0}})$a",
        "{k=[1, 2], l={m=1.0}}",
    );
    check_bad(
        "#set($a = 99999999999999999999999999999999999999 * 10)",
        "too large",
    );
    check_bad("#set($a = 'x)", "quotes");
    check_bad("#set($a = [1, )", "value");
    check_bad("#set($a = {1})", "map");
}

#[test]
fn texts_have_javas_methods() {
    let text = |call: &str, expected: &str| {
        check(&format!("#set($t = 'Grüße, Welt')$t.{call}"), expected);
    };
    for (call, expected) in [
        ("length()", "11"),
        ("isEmpty()", "false"),
        ("empty", "false"),
        ("charAt(2)", "ü"),
        ("substring(7)", "Welt"),
        ("substring(0, 5)", "Grüße"),
        ("substring(11)", ""),
        ("indexOf('ß')", "3"),
        ("indexOf('z')", "-1"),
        ("lastIndexOf('e')", "8"),
        ("contains('Welt')", "true"),
        ("startsWith('Gr')", "true"),
        ("endsWith('x')", "false"),
        ("equals('Grüße, Welt')", "true"),
        ("equalsIgnoreCase('GRÜßE, welt')", "true"),
        ("concat('!')", "Grüße, Welt!"),
        ("replace('ü', 'ue')", "Grueße, Welt"),
        ("replaceAll('[aeiou]', '_')", "Grüß_, W_lt"),
        ("replaceAll('(\\w)(l)', '$2$1')", "Grüße, Wlet"),
        ("replaceFirst('e', '\\$')", "Grüß$, Welt"),
        ("matches('Gr.*')", "true"),
        ("matches('Gr')", "false"),
        ("toLowerCase()", "grüße, welt"),
        ("toUpperCase()", "GRÜSSE, WELT"),
        ("toString()", "Grüße, Welt"),
        ("split(', ')", "[Grüße, Welt]"),
        ("split(', ')[1]", "Welt"),
        ("split('e').size()", "3"),
        ("nothing()", ""),
    ] {
        text(call, expected);
    }
    check("#set($t = ' x ')[$t.trim()]", "[x]");
    check(
        "#set($t = 'a,b,,')$t.split(',') $t.split(',', 2)",
        "[a, b] [a, b,,]",
    );
    check("#set($t = 'ab')$t.split('')", "[a, b]");
    check("#set($t = '😀')$t.length()", "2");
    for (call, named) in [
        ("substring(12)", "12"),
        ("substring(3, 2)", "3"),
        ("charAt(-1)", "-1"),
        ("matches('(?=x)')", "pattern"),
        ("matches('((((\\w{100}){100}){100}){100})')", "pattern"),
        ("replaceAll('l', '$9')", "replacement"),
        ("replaceAll('l', '${x')", "replacement"),
        ("replaceAll('l', '\\')", "replacement"),
    ] {
        check_bad(&format!("#set($t = 'Grüße, Welt')$t.{call}"), named);
    }
}

#[test]
fn collections_have_javas_methods() {
    let list = |call: &str, expected: &str| {
        check(&format!("#set($l = ['a', 'b', 'c'])$l.{call} $l"), expected);
    };
    for (call, expected) in [
        ("size()", "3 [a, b, c]"),
        ("isEmpty()", "false [a, b, c]"),
        ("get(1)", "b [a, b, c]"),
        ("add('d')", "true [a, b, c, d]"),
        ("add(0, 'd')", " [d, a, b, c]"),
        ("addAll(['x'])", "true [a, b, c, x]"),
        ("set(0, 'x')", "a [x, b, c]"),
        ("remove(0)", "a [b, c]"),
        ("remove('b')", "true [a, c]"),
        ("contains('b')", "true [a, b, c]"),
        ("containsAll(['a', 'z'])", "false [a, b, c]"),
        ("indexOf('c')", "2 [a, b, c]"),
        ("subList(1, 3)", "[b, c] [a, b, c]"),
        ("clear()", " []"),
    ] {
        list(call, expected);
    }
    let map = |call: &str, expected: &str| {
        check(
            &format!("#set($m = {{'a': 1, 'b': 2}})$m.{call} $m"),
            expected,
        );
    };
    for (call, expected) in [
        ("size()", "2 {a=1, b=2}"),
        ("get('a')", "1 {a=1, b=2}"),
        ("get('z')", " {a=1, b=2}"),
        ("put('a', 9)", "1 {a=9, b=2}"),
        ("put('c', 3)", " {a=1, b=2, c=3}"),
        ("putAll({'c': 3})", " {a=1, b=2, c=3}"),
        ("putIfAbsent('a', 3)", "1 {a=1, b=2}"),
        ("getOrDefault('z', 0)", "0 {a=1, b=2}"),
        ("containsKey('a')", "true {a=1, b=2}"),
        ("containsValue(3)", "false {a=1, b=2}"),
        ("remove('a')", "1 {b=2}"),
        ("isEmpty()", "false {a=1, b=2}"),
        ("empty", "false {a=1, b=2}"),
        ("keySet()", "[a, b] {a=1, b=2}"),
        ("entrySet()", "[a=1, b=2] {a=1, b=2}"),
    ] {
        map(call, expected);
    }
    check(
        "#set($m = {'a': 1, 'b': 2, 'c': 3})$m.remove('a')$!m.put('c', 4)$m",
        "13{b=2, c=4}",
    );
    check("#set($i = 0)#set($n = $i.parseInt('41') + 1)$n", "42");
    check(
        "$input.path('$.empty').isEmpty() $input.path('$.list').size()",
        "true 3",
    );
    check(
        "#set($r = $input.path('$.o'))#set($r.d = 'new')$input.path('$.o')",
        "{a=1, b=[{\"c\":5}], d=new}",
    );
    check_bad("#set($i = 0)$i.parseInt('x')", "number");
    check_bad("#set($l = [])$l.get(0)", "index 0");
    check_bad("#set($l = [])$l[0]", "[0]");
}
