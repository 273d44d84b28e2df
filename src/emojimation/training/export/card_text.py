"""What a model card says whatever the figures are: use, law, data, protocol, limits."""

USE = """## What it is for

- Reactions of people who know and agree: emoji over faces, photo booths, games, art, teaching how such models err.
- Hiding faces behind an emoji of the same expression.
- Research on facial expressions, with the figures and limits below in mind.

**An expression is not a feeling.** The model names how a face looks to strangers in a still picture. People smile without
joy and grieve without tears; the same face means different things in different places and cultures (Barrett et al.,
“Emotional Expressions Reconsidered”, Psychological Science in the Public Interest 20, 2019). Never tell anyone what a
person feels because of an answer of this model.

## What it must not be used for

- Judging people: hiring, work performance, exams, attention in class, credit, insurance, police, border, court.
- Watching people without their knowledge and agreement.
- Health: diagnosis, therapy, pain, mental state.
- Lie detection, or guesses at character, intention or truthfulness."""

LAW = """### European law

Regulation (EU) 2024/1689 (AI Act), Article 5(1)(f), **forbids** to place on the market, to put into service for this
purpose, or to use AI systems that infer emotions of people **at the workplace and in education institutions**, except
for medical or safety reasons; it applies since 2 February 2025. This model is neither a medical nor a safety product,
so do not use it there. Elsewhere emotion recognition counts as high-risk (Annex III, point 1(c)), and people exposed to
it have to be told (Article 50(3)). Pictures of faces are personal data (GDPR). This is no legal advice."""

DATA = """FER2013 (Goodfellow et al., “Challenges in Representation Learning”, ICML 2013 workshop): grey 48×48 pictures of faces
from a web search, 28,709 in its Training split, with the votes of ten people a picture from FER+ (Barsoum et al., 2016)
where the recipe uses them. The pictures are not part of this package."""

PROTOCOL = """Training rows train. The validation split (PublicTest of FER2013) chooses the epoch, the calibration and the threshold, so its figures are a
little too good. Twins are pictures with a byte-identical one in Training; the honest figure leaves them out. All figures
are of the exported ONNX file."""

NO_TEST = "No result on a test split is part of this card; give one by `emojimation report RUN --scores FILE`."

CALIBRATIONS = {
    "temperature": (
        "Logits are divided by a temperature of {temperature:.3f} before the softmax (Guo et al., ICML 2017)."
    ),
    "vector": (
        "Each class's logit has a scale and a bias of its own before the softmax (vector scaling, Guo et al., "
        "ICML 2017), "
        "fitted on the validation split; one temperature alone would have been {temperature:.3f}."
    ),
}

NOT_SURE = """Under a confidence of **{threshold:.2f}** the product says “not sure”. The threshold is the lowest at which
90 % of the answers above it agree with the FER+ majority, on validation pictures that have a clear one (with the label,
where there are no FER+ votes). Against the labels, {coverage} of the pictures are answered then, {accuracy} of these rightly."""

FER2013_LIMITS = """- Labels are noisy: FER+'s majority agrees with FER2013's label on about 72 % of the clear pictures (disgust 28 %, fear
  13 %), and people are right on 65 ± 5 % of them. Scores above that are partly knowledge of the labels' habits.
- The pictures were found by emotion words in a web search of 2013: much is posed, strong or from photo agencies.
"""

LIMITS = """## Limits

{known}- Age, skin colour, gender and culture are not labelled, so fairness between groups **has not been measured**; expect
  it to be uneven.
- The rarest class here, {rarest}, has {n} pictures: its figures are the least certain.
- Small, dark, blurred, covered or turned faces are answered worse; the table of spoilt pictures, where this card has one,
  says by how much.
- Seven words are not all that faces show: contempt, pain, boredom and mixed expressions land in one of them.
- One picture says nothing about a person. Videos are smoothed over time, which helps against flicker, not against bias."""
