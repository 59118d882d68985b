//! The names that API Gateway gives a template: `$input`, `$context`, `$stageVariables` and `$util`.

use super::*;

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
    check("[$!input.path('$.missing')]", "[]");
    check("#if($input.path('$.missing'))a#{else}b#end", "b");
    let body = sample().input.clone();
    check("$input.body", &body);
}

#[test]
fn null_is_written_as_nothing() {
    for null in [
        "$input.path('$.missing')",
        "$input.path('$').missing",
        "$input.path('$.a.b.c')",
        "$input.path('$.none')",
        "${input.path('$.none')}",
        "$input.params().querystring.missing",
        "$input.params().querystring.get('missing')",
        "$input.params('missing')",
        "#set($root = $input.path('$'))$root.missing",
        "#set($text = \"$input.path('$.missing')\")$text",
        "#foreach($x in [$input.path('$.missing')])$x#end",
    ] {
        check(&format!("[{null}]"), "[]");
    }
    // A variable that was never set still stands for itself.
    check("$never $never.set", "$never $never.set");
    check("\\$input.path('$.missing')", "$input.path('$.missing')");
}

// GUESS: as Velocity does unless it is set otherwise.
#[test]
fn a_set_to_null_changes_nothing() {
    for null in ["$input.path('$.nope')", "$missing"] {
        check(&format!("#set($x = {null})$x ($!x)"), "$x ()");
        check(&format!("#set($x = 1)#set($x = {null})$x"), "1");
        check(
            &format!("#set($m = {{}})#set($m.a = 1)#set($m.a = {null})$m.a"),
            "1",
        );
    }
    // The value of the round before, too.
    check(
        "#foreach($it in [{'a': 1}, {'b': 2}, {'a': 3}])#set($x = $it.a)[$x]#end",
        "[1][1][3]",
    );
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
    check("[$util.toJson($input.body)]", "[]");
    check_bad("$util.parseJson('{')", "parseJson");
    check_bad("$util.base64Decode('?')", "Base64");
}
