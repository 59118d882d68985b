//! What templates yield, row by row of the reference, and that no template gets out of its bounds.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Sample {
    input: String,
    json: Option<Value>,
    variables: BTreeMap<String, String>,
    parameters: Parameters,
}

impl Sample {
    fn new(input: &str) -> Sample {
        let pairs = |pairs: &[(&str, &str)]| -> Pairs {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        Sample {
            input: input.to_owned(),
            json: serde_json::from_str(input).ok(),
            variables: BTreeMap::from([("table".to_owned(), "rooms".to_owned())]),
            parameters: Parameters {
                path: Pairs::new(),
                querystring: pairs(&[("a", "1"), ("both", "query")]),
                header: pairs(&[("X-Token", "t"), ("both", "header")]),
            },
        }
    }

    fn render(&self, template: &str) -> Result<String, BadTemplate> {
        Template::parse(template)?.render(self)
    }
}

impl Scope for Sample {
    fn input(&self) -> &str {
        &self.input
    }
    fn input_json(&self) -> Option<&Value> {
        self.json.as_ref()
    }
    fn context(&self, name: &str) -> Option<String> {
        match name {
            "connectionId" => Some("ABC=".to_owned()),
            "identity.sourceIp" => Some("192.0.2.7".to_owned()),
            _ => None,
        }
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
    fn parameters(&self) -> Parameters {
        self.parameters.clone()
    }
}

fn sample() -> Sample {
    let input = json!({
        "x": "it's", "o": {"a": 1, "b": [{"c": 5}]}, "n": 7, "f": 1.5, "yes": true, "none": null,
        "list": ["p", "q", "r"], "empty": [], "big": 12_345_678_901_234_567_890_u64,
    });
    Sample::new(&input.to_string())
}

#[track_caller]
fn check(template: &str, expected: &str) {
    let rendered = sample().render(template);
    assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
}

/// Checks a template that cannot be used, and that its reason names what is wrong.
#[track_caller]
fn check_bad(template: &str, named: &str) {
    let reason = sample().render(template).unwrap_err().to_string();
    assert!(reason.contains(named), "{template}: {reason}");
}

#[test]
fn input_is_the_payload() {
    check("$input.json('$.x')", "\"it's\"");
    check("$input.json('$.o')", r#"{"a":1,"b":[{"c":5}]}"#);
    check("$input.json('$.missing')", "\"\"");
    check("$input.json('$.none')", "null");
    check("$input.json(\"$.n\")", "7");
    check("$input.path('$.x')", "it's");
    check("$input.path('$.n')!", "7!");
    check("$input.path('$.f')", "1.5");
    check("$input.path('$.big')", "12345678901234567890");
    check("$input.path('$.o')", "{a=1, b=[{\"c\":5}]}");
    check("$input.path('$.o').b", "[{\"c\":5}]");
    check("$input.path('$.list')", "[\"p\",\"q\",\"r\"]");
    check("$input.path('$.list[*]')[1]", "q");
    check("$input.path('$..c')", "[5]");
    check("$input.path('$').o.b[0].c", "5");
    check("$input.path('$').o['a']", "1");
    check("$input.path('$.missing')", "$input.path('$.missing')");
    check("[$!input.path('$.missing')]", "[]");
    check("#if($input.path('$.missing'))a#{else}b#end", "b");
    let body = sample().input.clone();
    check("$input.body", &body);
}

#[test]
fn an_empty_payload_is_an_empty_object() {
    let empty = Sample::new("");
    for (template, expected) in [
        ("$input.body", "{}"),
        ("$input.json('$')", "{}"),
        ("$input.json('$.x')", "\"\""),
        ("$input.path('$')", "{}"),
    ] {
        assert_eq!(
            empty.render(template).as_deref(),
            Ok(expected),
            "{template}"
        );
    }
    assert_eq!(
        Sample::new("no JSON")
            .render("$input.json('$')$input.body")
            .as_deref(),
        Ok("\"\"no JSON")
    );
}

#[test]
fn input_has_the_handshakes_parameters() {
    check(
        "$input.params('a') $input.params('both') $input.params('x-token')",
        "1 query t",
    );
    check("[$input.params('none')]", "[]");
    check(
        "$input.params().header.get('x-token')$input.params().header.X-Token",
        "tt",
    );
    check("$input.params().querystring", "{a=1, both=query}");
    check(
        "#foreach($type in $input.params().keySet())$type#if($foreach.hasNext),#end#end",
        "path,querystring,header",
    );
}

#[test]
fn context_and_stage_variables_are_members() {
    check("$context.connectionId.", "ABC=.");
    check("${context.connectionId}x", "ABC=x");
    check("$context.identity.sourceIp", "192.0.2.7");
    check(
        "$context['connectionId']$context.get('connectionId')",
        "ABC=ABC=",
    );
    check(
        "[$context.nothing $context.identity.user $context.authorizer.principalId]",
        "[  ]",
    );
    check("#if($context.nothing)a#{else}b#end", "b");
    check("#if($context.nothing == '')a#{else}b#end", "a");
    check("#if($context.nothing == $none)a#{else}b#end", "a");
    check(
        "#if($context.nothing == 'x' || 'x' == $context.nothing)a#{else}b#end",
        "b",
    );
    check("#set($x = $context.nothing)[$x$x.length()$x.a.b]", "[0]");
    check(
        "$stageVariables.table $stageVariables['table'] ${stageVariables['table']} $stageVariables.get('table')",
        "rooms rooms rooms rooms",
    );
    check("[$stageVariables.none]", "[]");
    check(
        "#foreach($k in $stageVariables.keySet())$k=$stageVariables.get($k)#end",
        "table=rooms",
    );
    check("$stageVariables.size()", "1");
    check(
        "$stageVariables $util.base64Encode($stageVariables)",
        "{table=rooms} e3RhYmxlPXJvb21zfQ==",
    );
}

#[test]
fn util_escapes_and_encodes() {
    check("$util.escapeJavaScript($input.path('$.x'))", "it\\'s");
    check(
        "$util.escapeJavaScript($input.path('$.x')).replaceAll(\"\\\\'\",\"'\")",
        "it's",
    );
    check("$util.escapeJavaScript('a\"b')", "a\\\"b");
    check("$util.escapeJavaScript($input.path('$.missing'))", "null");
    check(
        "$util.escapeJavaScript($input.json('$.o'))",
        r#"{\"a\":1,\"b\":[{\"c\":5}]}"#,
    );
    check("$util.parseJson('{\"a\":[1,{\"b\":2}]}').a[1].b", "2");
    check("$util.urlEncode('a b/c&é*')", "a+b%2Fc%26%C3%A9*");
    check("$util.urlDecode('a+b%2Fc%C3%A9')", "a b/cé");
    check("$util.base64Encode('héllo')", "aMOpbGxv");
    check("$util.base64Decode('aMOpbGxv')", "héllo");
    check(
        "$util.base64Decode($util.base64Encode($input.json('$.n')))",
        "7",
    );
    check("$util.toJson($input.body)", "$util.toJson($input.body)");
    check_bad("$util.parseJson('{')", "parseJson");
    check_bad("$util.base64Decode('?')", "Base64");
}

#[test]
fn references_stand_for_their_values_or_themselves() {
    check(
        "plain {\"a\": 1} #1 #fff &#39; $5 $ $! ${1} $[",
        "plain {\"a\": 1} #1 #fff &#39; $5 $ $! ${1} $[",
    );
    check(
        "$foo costs ${foo} $foo.bar.baz() $!foo$!{foo}",
        "$foo costs ${foo} $foo.bar.baz() ",
    );
    check(
        "#set($a = 'v')$a ${a}b $!a $a. $a.b $a-b",
        "v vb v v. $a.b $a-b",
    );
    check("#set($a = 'v')$$a \"$a\"", "$v \"v\"");
    check("#set($a = 'v')\\$a \\\\$a \\\\\\$a", "$a \\v \\$a");
    check("\\$none \\\\$none \\x \\\\", "\\$none \\\\$none \\x \\\\");
    check("\\#if(x) \\\\#if(true)y#end \\#none", "#if(x) \\y \\#none");
    check_bad("${input.body", "not closed");
    check_bad("$input.path('$.x'", "not closed");
    check_bad("$input.path($input.n + 1)", "compute");
}

#[test]
fn set_keeps_values() {
    check("#set($a = 1)#set($b = $a)$b", "1");
    check("#set( $a = $missing )[$!a]", "[]");
    check("#set($a = 1)#set($a = $missing)$a", "1");
    check(
        "#set($m = {})#set($m.k = 1)#set($m['l'] = 2)$m",
        "{k=1, l=2}",
    );
    check(
        "#set($l = [1, 2])#set($l[0] = 'x')#set($l[-1] = 'y')$l",
        "[x, y]",
    );
    check("#set($m = {'a': {}})#set($m.a.b = 1)$m", "{a={b=1}}");
    check("#set($l = [])#set($k = $l)$k.add(1)$l", "true[1]");
    check("#set(${a} = 2)$a", "2");
    check_bad("#set($a 1)", "=");
    check_bad("#set(1 = 1)", "reference");
    check_bad("#set($l = [1])#set($l[3] = 1)", "[3]");
}

#[test]
fn conditions_choose() {
    let truth = |condition: &str, expected: bool| {
        let template =
            format!("#set($one = 1)#set($s = 's')#if({condition})true#{{else}}false#end");
        check(&template, &expected.to_string());
    };
    for (condition, expected) in [
        ("true", true),
        ("false", false),
        ("$none", false),
        ("!$none", true),
        ("not $none", true),
        ("''", true),
        ("0", true),
        ("$one == 1", true),
        ("$one eq 1.0", true),
        ("$one == '1'", true),
        ("$one != 1", false),
        ("$one ne 2", true),
        ("$none == $other", true),
        ("$none == ''", false),
        ("$s == \"s\"", true),
        ("$one < 2 && $one <= 1 && $one > 0 && $one >= 1", true),
        ("$one lt 2 and $one le 1 and $one gt 0 and $one ge 1", true),
        ("$s < 2", false),
        ("false || true && false", false),
        ("(false or true) and !false", true),
        ("$one + 1 == 2", true),
        ("[1, 2] == [1, 2]", true),
        ("{'a': 1} == {'a': 1}", true),
        ("$s.equals('s')", true),
        ("$one.equals('1')", false),
    ] {
        truth(condition, expected);
    }
    check("#if(false)a#elseif(true)b#{else}c#end", "b");
    check("#if(false)a#elseif(false)b#{else}c#end", "c");
    check("#{if}(true)a#{end}b", "ab");
    check("#if(true)#if(false)x#{else}y#end#end", "y");
    for (bad, named) in [
        ("#if(true)", "#end"),
        ("#end", "#end"),
        ("#else", "#else"),
        ("#if(true)#else#else#end", "#else"),
        ("#if true #end", "condition"),
        ("#if($a = 1)#end", "not closed"),
        ("#if()#end", "value"),
    ] {
        check_bad(bad, named);
    }
}

#[test]
fn loops_go_through_lists_and_maps() {
    check(
        "#foreach($x in ['a', 'b'])$foreach.count$foreach.index$velocityCount$x#if($foreach.hasNext),#end#end",
        "101a,212b",
    );
    check(
        "#foreach($x in [1..3])$x#end#foreach($x in [2..-1])$x#end",
        "123210-1",
    );
    check("#foreach($x in {'a': 1, 'b': 2})$x#end", "12");
    check(
        "#set($m = {'a': 1, 'b': 2})#foreach($e in $m.entrySet())$e.key:$e.getValue();$e #end",
        "a:1;a=1 b:2;b=2 ",
    );
    check(
        "#set($m = {'a': 1, 'b': 2})$m.keySet() $m.values()",
        "[a, b] [1, 2]",
    );
    check("#foreach($x in $input.path('$.list'))$x#end", "pqr");
    check(
        "#foreach($x in $none)$x#{end}.#foreach($x in 'text')$x#end",
        ".",
    );
    check(
        "#set($x = 'old')#foreach($x in [1])$x#end$x$foreach.count",
        "1old$foreach.count",
    );
    check("#foreach($x in [1..9])#if($x == 3)#break#end$x#end|", "12|");
    check(
        "#foreach($x in [1..9])#if($x == 3)#break($foreach)#end$x#end|",
        "12|",
    );
    check("#foreach($x in [1..9])#if($x == 3)#stop#end$x#end|", "12");
    check("a#break b", "a");
    check(
        "#foreach($x in [1,2])#foreach($y in ['a'])$foreach.parent.count$foreach.topmost.index$y#end#end",
        "10a21a",
    );
    check(
        "#foreach($x in [1..5000])#set($n = $foreach.count)#end$n",
        "1000",
    );
    check_bad("#foreach($x in [1..3])", "#end");
    check_bad("#foreach($x on [1..3])#end", "in");
    check_bad("#foreach($x.y in [1..3])#end", "plain name");
}

#[test]
fn white_space_goes_with_directives() {
    check("a\n#set($x = 1)\nb", "a\nb");
    check("#set($x = 1)\n  #set($y = 2)  \nb", "b");
    check("a\n  #set($x = 1)\nb", "a\n  b");
    check("$none #set($x = 1) b", "$none b");
    check("{\n#if(true)\n  a\n#else\n  b\n#end\n}", "{\n  a\n}");
    check("{\n  #if(true)  \n  a\n  #end\n}", "{\n    a\n  }");
    check("#foreach($x in [1..2])\n$x\n#end\nc", "1\n2\nc");
    check("#if(true) a #end b", " a  b");
    check("a ## note\r\nb", "a b");
    check("a #* not\n#if( *# b", "a  b");
    check("#[[ $x #if( ]]# c", " $x #if(  c");
    check("## only", "");
    check_bad("a #* b", "not closed");
    check_bad("a #[[ b", "not closed");
}

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
        ("nothing()", "$t.nothing()"),
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
        ("get('z')", "$m.get('z') {a=1, b=2}"),
        ("put('a', 9)", "1 {a=9, b=2}"),
        ("put('c', 3)", "$m.put('c', 3) {a=1, b=2, c=3}"),
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

#[test]
fn what_api_gateway_does_not_document_is_refused() {
    for name in ["include", "parse", "macro", "define", "evaluate"] {
        check_bad(&format!("a #{name}($x) b"), name);
        check(&format!("a #{name} b"), &format!("a #{name} b"));
    }
    check("#unknown(1) #setting", "#unknown(1) #setting");
}

#[test]
fn the_line_of_a_mistake_is_named() {
    check_bad("a\nb\n#if($x ==)\n#end", "line 3");
}

#[test]
fn what_would_not_end_is_ended() {
    let grow =
        "#set($l = [1..1000])#foreach($a in $l)#foreach($b in $l)#foreach($c in $l)$x#end#end#end";
    assert_eq!(sample().render(grow), Err(BadTemplate::TooMuchWork));
    let doubled = "#set($s = 'ab')#foreach($i in [1..1000])#set($s = \"$s$s\")#end";
    assert_eq!(sample().render(doubled), Err(BadTemplate::TooLong));
    let kept = "#set($s = 'ab')#foreach($i in [1..18])#set($s = \"$s$s\")#end#set($l = [])\
                #foreach($i in [1..1000])$!l.add(\"$s.\")#end";
    assert_eq!(sample().render(kept), Err(BadTemplate::TooMuchMemory));
    let range = "#set($l = [1..999999999999])";
    assert_eq!(sample().render(range), Err(BadTemplate::TooMuchWork));
    let range = "#set($l = [-170000000000000000000000000000000000000..170000000000000000000000000000000000000])";
    assert!(sample().render(range).is_err());
    let own = "#set($l = [])$l.add($l)$l";
    assert_eq!(sample().render(own), Err(BadTemplate::TooDeep));
    let own = "#set($m = {})#set($m.m = $m)#set($n = {})#set($n.m = $n)#if($m == $n)#end";
    assert_eq!(sample().render(own), Err(BadTemplate::TooDeep));
    let shared = "#set($l = [1])#foreach($i in [1..100])#set($l = [$l, $l])#end$l";
    assert_eq!(sample().render(shared), Err(BadTemplate::TooLong));
    let shared = "#set($l = [1])#set($k = [1])#foreach($i in [1..100])#set($l = [$l, $l])#set($k = [$k, $k])#end#if($l == $k)#end";
    assert_eq!(sample().render(shared), Err(BadTemplate::TooMuchWork));
    let patterns = "#foreach($i in [1..1000])$input.body.matches(\"a$i\")#end";
    assert_eq!(sample().render(patterns), Err(BadTemplate::TooMuchWork));
}

#[test]
fn matches_that_look_far_are_few() {
    // Each match tries the first half of the pattern to the end of the text, and takes one letter.
    let payload = Sample::new(&"A".repeat(128 * 1024));
    let rendered = payload.render("$input.body.replaceAll('.*[^A]|A', 'b')");
    assert_eq!(rendered, Err(BadTemplate::TooMuchWork));
    let payload = Sample::new(&"it's  so ".repeat(1000));
    for call in [
        "replaceAll('\\s+', '_')",
        "replaceAll(\"'\", '')",
        "split(' +').size()",
    ] {
        let rendered = payload.render(&format!("$input.body.{call}"));
        assert!(rendered.is_ok(), "{call}: {rendered:?}");
    }
}

#[test]
fn what_would_become_too_long_is_not_made() {
    let sample = Sample::new(&format!("[[[[{}]]]]", json!("'".repeat(120_000))));
    for template in [
        "$util.escapeJavaScript($util.escapeJavaScript($util.escapeJavaScript($util.escapeJavaScript(\
         $input.path('$[0][0][0][0]')))))",
        "$input.json('$..*')$input.json('$..*')$input.json('$..*')",
        "$input.path('$..*')$input.path('$..*')$input.path('$..*')",
        "$input.body$input.body$input.body$input.body$input.body$input.body$input.body$input.body$input.body",
    ] {
        assert_eq!(
            sample.render(template),
            Err(BadTemplate::TooLong),
            "{template}"
        );
    }
}

/// Runs where a thread has half the stack that the runtime gives it.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    small.spawn(test).unwrap().join().unwrap();
}

#[test]
fn what_is_deep_is_refused_before_the_stack_ends() {
    on_a_small_stack(|| {
        for depth in [NESTING / 2, NESTING * 2, 100_000] {
            for (before, middle, after) in [
                ("(", "1", ")"),
                ("!", "true", ""),
                ("[", "1", "]"),
                ("{'a':", "1", "}"),
                ("$util.urlEncode(", "'a'", ")"),
                ("$x[", "1", "]"),
            ] {
                let expression = format!("{}{middle}{}", before.repeat(depth), after.repeat(depth));
                let rendered = sample().render(&format!("#set($a = {expression})$!a"));
                let deep = rendered == Err(BadTemplate::TooDeep);
                assert_eq!(deep, depth > NESTING, "{before} {depth}: {rendered:?}");
            }
            let blocks = format!("{}x{}", "#if(true)".repeat(depth), "#end".repeat(depth));
            assert_eq!(sample().render(&blocks).is_err(), depth > NESTING);
        }
    });
}

#[test]
fn what_is_only_long_is_no_burden() {
    on_a_small_stack(|| {
        let sum = format!("#set($a = 0{})$a", " + 1".repeat(20_000));
        check(&sum, "20000");
        let way = format!("[$!a{}]", ".b".repeat(20_000));
        check(&way, "[]");
        let choices = format!(
            "#if(false)a{}#{{else}}c#end",
            "#elseif(false)b".repeat(20_000)
        );
        check(&choices, "c");
    });
}

#[test]
fn a_deep_payload_is_written_or_refused() {
    let mut deep = String::new();
    write!(deep, "{}1{}", "[".repeat(100), "]".repeat(100)).unwrap();
    let payload = Sample::new(&deep);
    assert_eq!(payload.render("$input.path('$')").as_ref(), Ok(&deep));
    let deeper = Sample::new(&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(
        deeper.render("$input.path('$')").as_deref(),
        Ok("$input.path('$')")
    );
}

fn piece() -> impl Strategy<Value = &'static str> {
    let pieces: Vec<&'static str> = [
        "$",
        "!",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "'",
        "\"",
        "#",
        "\\",
        ".",
        ",",
        ":",
        " ",
        "\n",
        "é",
        "1",
        "-",
        "..",
        "=",
        "==",
        "+",
        "&&",
        "#set(",
        "#if(",
        "#else",
        "#elseif(",
        "#end",
        "#foreach(",
        " in ",
        "#break",
        "#stop",
        "##",
        "#*",
        "*#",
        "#[[",
        "]]#",
        "$x",
        "$x = ",
        "$input.json('$.a')",
        "$input.path('$')",
        "input.",
        "path(",
        "context.",
        "$util.",
        "escapeJavaScript(",
        "parseJson(",
        ".get(",
        ".put('a', ",
        ".add(",
        ".replaceAll('a', ",
        ".substring(",
        ".split('",
        "true",
        "[1..3]",
        "{'a': 1}",
        "stageVariables[",
    ]
    .to_vec();
    proptest::sample::select(pieces)
}

proptest! {
    #[test]
    fn any_text_is_read_and_rendered_within_bounds(text in ".{0,80}", input in ".{0,30}") {
        if let Ok(rendered) = Sample::new(&input).render(&text) {
            prop_assert!(rendered.len() <= OUTPUT_BYTES);
        }
    }

    #[test]
    fn pieces_of_templates_are_rendered_within_bounds(pieces in proptest::collection::vec(piece(), 0..40)) {
        if let Ok(rendered) = sample().render(&pieces.concat()) {
            prop_assert!(rendered.len() <= OUTPUT_BYTES);
        }
    }

    #[test]
    fn text_without_signs_is_its_own_rendering(text in "[^$#\\\\]{0,60}") {
        let rendered = sample().render(&text);
        prop_assert_eq!(rendered, Ok(text));
    }

    #[test]
    fn what_is_literal_is_its_own_rendering(text in "[^\\]]{0,60}") {
        let rendered = sample().render(&format!("#[[{text}]]#"));
        prop_assert_eq!(rendered, Ok(text));
    }

    #[test]
    fn a_text_goes_through_escapes_unharmed(text in ".{0,40}") {
        let sample = Sample::new(&json!({ "t": &text }).to_string());
        let rendered = sample.render(
            "#set($t = $input.path('$.t'))$util.urlDecode($util.urlEncode($t))|$util.base64Decode($util.base64Encode($t))",
        );
        prop_assert_eq!(rendered, Ok(format!("{text}|{text}")));
    }
}
