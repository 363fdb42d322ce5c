/// What `JMESPathTests` asks.
extension JMESPathTests {
    static let lines = ##"""
        a.b.c => 1
        a."b".d => [1,2,3]
        a.x.y => null
        list[0].n => "x"
        list[-1].v => 9
        list[9] => null
        list[*].n => ["x","y","z"]
        list[*].t => [["p","q"],[]]
        list[*].t[] => ["p","q"]
        list[*].t[0] => ["p"]
        list[*].t[*] => [["p","q"],[]]
        list[].t[] => ["p","q"]
        list[?v > `1`].n => ["x","z"]
        list[?v >= `2` && v < `9`].n => ["x","z"]
        list[?n == 'x' || n == 'y'] | [0].v => 3
        list[?n == 'x'].t[] => ["p","q"]
        list[?t].n => ["x"]
        list[?!t].v => [1,2,9]
        list[?n == null].v => [9]
        list[?n == `null`].v => [9]
        !list[0].missing => null
        !(list[0].n == 'x') => false
        nested[] => [0,1,2,[3],4]
        nested[][] => [0,1,2,3,4]
        nested[*][0] => [0,2]
        nested[0] => [0,1]
        o.* => [{"v":1},{"v":2},5]
        o.*.v => [1,2]
        *.b => [{"c":1,"d":[1,2,3]}]
        o | keys(@) => ["k1","k2","k3"]
        keys(o) => ["k1","k2","k3"]
        values(o) => [{"v":1},{"v":2},5]
        length(list) => 4
        length(s) => 4
        length(o) => 3
        s | length(@) == `4` && 'yes' => "yes"
        e || 'empty' => "empty"
        zero || 'other' => 0
        no || 'other' => "other"
        s && zero => 0
        f[0:2] => [1,2.5]
        f[::-1] => [-3,2.5,1]
        f[-2:] => [2.5,-3]
        f[:1] => [1]
        f[1:100:2] => [2.5]
        f[5:] => []
        s[0:2] => null
        sort(f) => [-3,1,2.5]
        sum(f) => 0.5
        avg(f) => 0.16666666666666666
        max(f) => 2.5
        min(f) => -3
        abs(f[2]) => 3
        ceil(f[1]) => 3
        floor(f[1]) => 2
        avg(e) => null
        sum(e) => 0
        max(e) => null
        max_by(list, &v).n => null
        min_by(list, &v).n => "y"
        sort_by(list, &v)[*].v => [1,2,3,9]
        map(&v, list) => [3,1,2,9]
        map(&missing, list) => [null,null,null,null]
        join('-', list[0].t) => "p-q"
        join('', e) => ""
        reverse(f) => [-3,2.5,1]
        reverse(s) => "txet"
        starts_with(s, 'te') => true
        ends_with(s, 'xt') => true
        contains(s, 'ex') => true
        contains(s, '') => true
        contains(f, `1`) => true
        contains(f, `"1"`) => false
        not_null(missing, a.x, s) => "text"
        not_null(missing) => null
        to_array(s) => ["text"]
        to_array(f) => [1,2.5,-3]
        to_string(s) => "text"
        to_number('12') => 12
        to_number('1.5') => 1.5
        to_number('abc') => null
        to_number(f) => null
        type(f) => "array"
        type(missing) => "null"
        type(zero) => "number"
        merge(a, o) | keys(@) => ["b","k1","k2","k3"]
        {x: s, "y z": zero} => {"x":"text","y z":0}
        [s, zero] => ["text",0]
        list[0].{name: n, first: t[0]} => {"first":"p","name":"x"}
        list[*].{name: n} => [{"name":"x"},{"name":"y"},{"name":"z"},{"name":null}]
        list[*].[n, v] => [["x",3],["y",1],["z",2],[null,9]]
        list[1:].n => ["y","z"]
        missing.{x: s} => null
        missing[*] => null
        missing[?x] => null
        s[*] => null
        s.* => null
        @.s => "text"
        @ | s => "text"
        `[1, {"a": 2}]`[1].a => 2
        `"x"` == 'x' => true
        'it\'s' => "it's"
        'a\b' => "a\\b"
        "q\"x" => 7
        f[0] == `1.0` => true
        f[0] < s => null
        s < s => null
        list[?v == `3`] != `[]` => true
        e != `null` => true
        (list[*].n)[0] => "x"
        list[*].n | [0] => "x"
        list[*].n[0] => []
        list[?v>`1`][].n => ["x","z"]
        list[?v>`1`] [0] => []
        nested[*][] => [0,1,2,[3],4]
        o.* | [0] => {"v":1}
        a.b.d[?@ > `1`] => [2,3]
        a.b.d[?@ > `1`] | length(@) => 2
        a.*.d[] => [1,2,3]
        a.*.d[0] => [1]
        *.* => [[{"c":1,"d":[1,2,3]}],[{"v":1},{"v":2},5]]
        list[?contains(t || `[]`, 'p')].n => ["x"]
        list[?type(n) == 'string'].n => ["x","y","z"]
        s == 'text' && f[0] == `1` => true
        s == 'other' || f[0] == `1` && no => false
        !no && !zero => false
        !no == `true` => true
        a.!b => refused
        [*].x => null
        [0] => null
        [?x] => null
        a.b.d[] => [1,2,3]
        a[].b => null
        f.length(@) => 3
        sort_by(list, &v) | [0].v => 1
        a.[b, b.c] => [{"c":1,"d":[1,2,3]},1]
        a.{p: b.c}.p => 1
        list[*].t[1:] => [["q"],[]]
        list[::2].v => [3,2]
        list[::2] | [*].v => [3,2]
        to_string(f) => "[1,2.5,-3]"
        equals_ignore_case(s, 'TEXT') => true
        equals_ignore_case(u, 'äö') => true
        equals_ignore_case(s, 'texts') => false
        equals_ignore_case(s, zero) => refused
        sum([big, `1`]) => 9223372036854776000
        sum([`1e308`, `1e308`]) => refused
        abs(big) => 9223372036854775807
        abs(`-9223372036854775808`) => 9223372036854776000
        big < `9223372036854775806` => false
        f[9223372036854775807] => null
        f[-9223372036854775808] => null
        f[99999999999999999999] => refused
        f[-9223372036854775808:9223372036854775807] => [1,2.5,-3]
        f[::9223372036854775807] => [1]
        f[::-9223372036854775808] => [-3]
        f[::0] => refused
        e[::-1] => []
        e[] != `null` => true
        `1` == `"1"` => false
        `[1,{"a":1.0}]` == `[1.0,{"a":1}]` => true
        `{"a":1}` == `{"b":1}` => false
        length(zero) => refused
        length(missing) => refused
        keys(e) => refused
        unknown(s) => refused
        length(s, s) => refused
        length() => refused
        not_null() => refused
        sort(list) => refused
        sort_by(list, &n) => refused
        sort_by(list, v) => refused
        map(v, list) => refused
        length(&s) => refused
        &s => refused
        join(s, f) => refused
        starts_with(s, zero) => refused
        contains(zero, s) => refused
        contains(s, zero) => false
        merge(a, s) => refused
        sum(s) => refused
        max(nested) => refused
        reverse(u) => "ÖÄ"
        length(u) => 2
        '' => ""
        a b => refused
        a. => refused
        .a => refused
        a[ => refused
        a[0 => refused
        a] => refused
        (a => refused
        {a} => refused
        {a:} => refused
        [a, => refused
        [] => null
        'a => refused
        "a => refused
        `a => refused
        `a` => refused
        a[?b => refused
        a == => refused
        # => refused
        a = b => refused
        -  => refused
        a[1 2] => refused
        a[1:2:3:4] => refused
        "a"(s) => refused
        @(s) => refused
        """##
}
