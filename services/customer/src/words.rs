//! What codes are called by people, in Chinese and in English. Pure.

use foursight_proto::customer::v1::{CustomerGroup, Gender, LifeCycleStage, SourceChannel, ValueTier};

/// In Chinese and in English.
pub(crate) type Pair = (&'static str, &'static str);

/// Where a customer stands.
pub(crate) fn stage(it: LifeCycleStage) -> Pair {
    match it {
        LifeCycleStage::Unspecified => ("未定", "unspecified"),
        LifeCycleStage::Prospect => ("潜在", "prospect"),
        LifeCycleStage::Intention => ("意向", "intention"),
        LifeCycleStage::Buyer => ("成交", "buyer"),
        LifeCycleStage::Service => ("售后", "service"),
        LifeCycleStage::Dormant => ("休眠", "dormant"),
        LifeCycleStage::Lost => ("流失", "lost"),
    }
}

/// A group of customers.
pub(crate) fn group(it: CustomerGroup) -> Pair {
    match it {
        CustomerGroup::Unspecified => ("未定", "unspecified"),
        CustomerGroup::Uio => ("保有客户", "UIO"),
        CustomerGroup::CarClub => ("车友会", "car club"),
        CustomerGroup::Store => ("专营店客户", "store"),
        CustomerGroup::Compensated => ("补偿客户", "compensated"),
    }
}

/// A value tier.
pub(crate) fn tier(it: ValueTier) -> Pair {
    match it {
        ValueTier::Unspecified => ("未定", "unspecified"),
        ValueTier::A => ("A", "A"),
        ValueTier::B => ("B", "B"),
        ValueTier::C => ("C", "C"),
    }
}

/// A gender.
pub(crate) fn gender(it: Gender) -> Pair {
    match it {
        Gender::Unspecified => ("未知", "unknown"),
        Gender::Female => ("女", "female"),
        Gender::Male => ("男", "male"),
    }
}

/// By which channel somebody came.
pub(crate) fn source(it: SourceChannel) -> Pair {
    match it {
        SourceChannel::Unspecified => ("未知", "unknown"),
        SourceChannel::WalkIn => ("来店", "walk-in"),
        SourceChannel::Call => ("来电", "call"),
        SourceChannel::Web => ("网站", "web"),
        SourceChannel::SocialMedia => ("社交媒体", "social media"),
        SourceChannel::VerticalPlatform => ("垂直媒体", "vertical platform"),
        SourceChannel::ShortVideo => ("短视频", "short video"),
        SourceChannel::AutoShow => ("车展", "auto show"),
        SourceChannel::Community => ("社群", "community"),
        SourceChannel::Partner => ("合作", "partner"),
        SourceChannel::Referral => ("转介绍", "referral"),
        SourceChannel::Import => ("导入", "import"),
    }
}
