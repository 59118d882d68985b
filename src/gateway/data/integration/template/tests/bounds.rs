//! Bounds: no template and no payload gets out of them, whatever the two hold.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

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
    assert_eq!(deeper.render("[$input.path('$')]").as_deref(), Ok("[]"));
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
