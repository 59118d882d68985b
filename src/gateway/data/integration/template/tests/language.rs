//! The language: references, directives, and what they do to the text around them.

use super::*;

#[test]
fn a_reference_stands_for_its_value_and_an_unset_variable_for_itself() {
    check(
        "plain {\"a\": 1} #1 #fff &#39; $5 $ $! ${1} $[",
        "plain {\"a\": 1} #1 #fff &#39; $5 $ $! ${1} $[",
    );
    check(
        "$foo costs ${foo} $foo.bar.baz() $!foo$!{foo}",
        "$foo costs ${foo} $foo.bar.baz() ",
    );
    check(
        "#set($a = 'v')$a ${a}b $!a $a. [$a.b] $a-b",
        "v vb v v. [] $a-b",
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
