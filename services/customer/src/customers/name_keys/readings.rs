//! How a Chinese name is read, in each usual way.

use pinyin::ToPinyin;

/// The most readings of one name that are kept; those that come first are the likeliest.
pub(super) const MOST: usize = 12;

/// A name as it is read.
pub(super) struct Reading {
    /// `wangxiaoming`
    pub(super) full: String,
    /// `wxm`
    pub(super) initials: String,
}

/// Two characters that are one surname, with a reading that neither has alone.
const DOUBLE_SURNAMES: [(&str, [&str; 2]); 9] = [
    ("万俟", ["mo", "qi"]),
    ("尉迟", ["yu", "chi"]),
    ("长孙", ["zhang", "sun"]),
    ("单于", ["chan", "yu"]),
    ("澹台", ["tan", "tai"]),
    ("令狐", ["ling", "hu"]),
    ("夏侯", ["xia", "hou"]),
    ("宰父", ["zai", "fu"]),
    ("鲜于", ["xian", "yu"]),
];

/// How a character is read as the first of a name, where that is not what it is read elsewhere.
const SURNAMES: [(char, &str); 32] = [
    ('单', "shan"),
    ('曾', "zeng"),
    ('仇', "qiu"),
    ('解', "xie"),
    ('区', "ou"),
    ('查', "zha"),
    ('朴', "piao"),
    ('任', "ren"),
    ('尉', "wei"),
    ('盖', "ge"),
    ('华', "hua"),
    ('乐', "yue"),
    ('员', "yun"),
    ('繁', "po"),
    ('冼', "xian"),
    ('折', "she"),
    ('翟', "zhai"),
    ('秘', "bi"),
    ('召', "shao"),
    ('祭', "zhai"),
    ('黑', "he"),
    ('缪', "miao"),
    ('宓', "mi"),
    ('覃', "qin"),
    ('隗', "wei"),
    ('种', "chong"),
    ('逄', "pang"),
    ('长', "zhang"),
    ('车', "che"),
    ('薄', "bo"),
    ('肖', "xiao"),
    ('褚', "chu"),
];

/// Characters that are read in several usual ways, the likeliest in a name first.
const SEVERAL: [(char, &[&str]); 52] = [
    ('单', &["dan", "shan", "chan"]),
    ('曾', &["zeng", "ceng"]),
    ('仇', &["qiu", "chou"]),
    ('解', &["jie", "xie"]),
    ('区', &["qu", "ou"]),
    ('查', &["cha", "zha"]),
    ('朴', &["pu", "piao"]),
    ('尉', &["wei", "yu"]),
    ('盖', &["gai", "ge"]),
    ('乐', &["le", "yue"]),
    ('员', &["yuan", "yun"]),
    ('繁', &["fan", "po"]),
    ('洗', &["xi", "xian"]),
    ('折', &["zhe", "she"]),
    ('翟', &["zhai", "di"]),
    ('秘', &["mi", "bi"]),
    ('召', &["zhao", "shao"]),
    ('祭', &["ji", "zhai"]),
    ('黑', &["hei", "he"]),
    ('缪', &["miao", "mou"]),
    ('覃', &["qin", "tan"]),
    ('隗', &["wei", "kui"]),
    ('种', &["zhong", "chong"]),
    ('长', &["chang", "zhang"]),
    ('郇', &["xun", "huan"]),
    ('车', &["che", "ju"]),
    ('薄', &["bo", "bao"]),
    ('重', &["zhong", "chong"]),
    ('行', &["xing", "hang"]),
    ('朝', &["chao", "zhao"]),
    ('传', &["chuan", "zhuan"]),
    ('调', &["diao", "tiao"]),
    ('都', &["du", "dou"]),
    ('角', &["jiao", "jue"]),
    ('觉', &["jue", "jiao"]),
    ('茄', &["qie", "jia"]),
    ('省', &["sheng", "xing"]),
    ('盛', &["sheng", "cheng"]),
    ('率', &["shuai", "lv"]),
    ('说', &["shuo", "yue"]),
    ('宿', &["su", "xiu"]),
    ('提', &["ti", "di"]),
    ('尾', &["wei", "yi"]),
    ('莘', &["xin", "shen"]),
    ('校', &["xiao", "jiao"]),
    ('会', &["hui", "kuai"]),
    ('藏', &["cang", "zang"]),
    ('茜', &["qian", "xi"]),
    ('厦', &["xia", "sha"]),
    ('晟', &["sheng", "cheng"]),
    ('六', &["liu", "lu"]),
    ('绿', &["lv", "lu"]),
];

/// Each usual reading of a folded name, cut at so many letters; never more than [`MOST`].
pub(super) fn of(name: &[char], length: usize) -> Vec<Reading> {
    let pair = name.get(..2).and_then(|first_two| {
        let two: String = first_two.iter().collect();
        DOUBLE_SURNAMES.iter().find(|(surname, _)| *surname == two).map(|(_, readings)| readings)
    });
    let mut all = vec![Reading { full: String::new(), initials: String::new() }];
    // More characters than that begin behind the last letter that counts.
    for (place, character) in name.iter().enumerate().take(length) {
        let ways = ways_of(*character, place, pair);
        all = ways
            .iter()
            .flat_map(|way| all.iter().map(move |before| before.followed_by(way)))
            .take(MOST)
            .collect();
    }
    all
}

impl Reading {
    fn followed_by(&self, way: &str) -> Self {
        Self {
            full: format!("{}{way}", self.full),
            initials: self.initials.chars().chain(way.chars().take(1)).collect(),
        }
    }
}

/// How a character may be read at its place, the likeliest first. A letter or digit is itself.
fn ways_of(character: char, place: usize, pair: Option<&[&'static str; 2]>) -> Vec<String> {
    let of_pair = pair.and_then(|pair| pair.get(place)).copied();
    let of_surname =
        SURNAMES.iter().find(|(surname, _)| place == 0 && *surname == character).map(|(_, reading)| *reading);
    let several = SEVERAL.iter().find(|(one, _)| *one == character).map(|(_, readings)| *readings);
    let usual = match several {
        Some(_) => None,
        None => character.to_pinyin().map(pinyin::Pinyin::plain),
    };
    let mut ways: Vec<String> = Vec::new();
    for way in
        of_pair.into_iter().chain(of_surname).chain(several.unwrap_or_default().iter().copied()).chain(usual)
    {
        let way: String = super::fold(way).collect();
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    if ways.is_empty() {
        ways.push(character.to_string());
    }
    ways
}
