// Made by chainrule.studio.protocol.messages from the shapes of the protocol; a test compares.

export const PROTOCOL = 1;

/** @typedef {string | [string, Record<string, string>, ...any[]]} Nested */

/**
 * PlaceAsked.
 * @typedef {object} PlaceAsked
 * @property {string} pass
 * @property {number | null} [layer]
 * @property {number | null} [neuron]
 * @property {number | null} [term]
 * @property {number} [index]
 * @property {number} [of]
 */

/**
 * EditAsked.
 * @typedef {object} EditAsked
 * @property {"number" | "frozen" | "activation" | "setting" | "cells" | "row"} kind
 * @property {string} [address]
 * @property {number | string | boolean | null} [value]
 * @property {boolean} [frozen]
 * @property {string} [name]
 * @property {number} [layer]
 * @property {number | null} [row]
 * @property {Record<string, string | number | boolean | null>} [cells]
 */

/**
 * EditShown.
 * @typedef {object} EditShown
 * @property {string} words
 * @property {string | null} address
 * @property {string} old
 * @property {string} new
 */

/**
 * BranchShown.
 * @typedef {object} BranchShown
 * @property {number} number
 * @property {number} from
 * @property {number} at
 * @property {EditShown[]} edits
 */

/**
 * RunLine.
 * @typedef {object} RunLine
 * @property {number} number
 * @property {number | null} from
 * @property {number} at
 * @property {string} words
 * @property {number} epochs
 * @property {boolean} ended
 */

/**
 * WasShown.
 * @typedef {object} WasShown
 * @property {number | null} eta
 * @property {number | null} cost
 * @property {number | null} cost_new
 * @property {number | null} row_loss
 * @property {AnswerShown | null} answer
 * @property {FrameArrays} arrays
 */

/**
 * NamedText.
 * @typedef {object} NamedText
 * @property {string} name
 * @property {string} value
 */

/**
 * WayOut.
 * @typedef {object} WayOut
 * @property {string} words
 * @property {EditAsked[]} edits
 * @property {boolean} [anew]
 */

/**
 * FindingShown.
 * @typedef {object} FindingShown
 * @property {string} kind
 * @property {boolean} grave
 * @property {string} what
 * @property {string[]} where
 * @property {NamedText[]} numbers
 * @property {string} why
 * @property {string} remedy
 * @property {WayOut[]} ways
 */

/**
 * Source.
 * @typedef {object} Source
 * @property {"table" | "lesson" | "model"} kind
 * @property {string} name
 * @property {number} rows
 * @property {string | null} command
 */

/**
 * Column.
 * @typedef {object} Column
 * @property {string} name
 * @property {string} kind
 * @property {number} gaps
 * @property {boolean} used
 * @property {string} why
 * @property {string} note
 * @property {string[]} [words]
 */

/**
 * Target.
 * @typedef {object} Target
 * @property {string[]} names
 * @property {string} task
 * @property {string[]} classes
 */

/**
 * RowCounts.
 * @typedef {object} RowCounts
 * @property {number} training
 * @property {number} validation
 * @property {number} test
 * @property {number[]} numbers
 */

/**
 * Field.
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"choice" | "number" | "text" | "flag" | "list" | "column" | "columns"} kind
 * @property {unknown} value
 * @property {string[]} [choices]
 * @property {string[]} [titles]
 * @property {string} unset
 * @property {string} help
 * @property {boolean} [more]
 */

/**
 * FieldGroup.
 * @typedef {object} FieldGroup
 * @property {string} group
 * @property {Field[]} fields
 */

/**
 * LayerHead.
 * @typedef {object} LayerHead
 * @property {number} number
 * @property {string} title
 * @property {number} size
 * @property {number} x
 * @property {string} formula
 * @property {number} hidden
 */

/**
 * Neuron.
 * @typedef {object} Neuron
 * @property {string} address
 * @property {string | null} z
 * @property {number} layer
 * @property {number} index
 * @property {number} x
 * @property {number} y
 * @property {string} name
 * @property {string | null} bias
 */

/**
 * EdgesDrawn.
 * @typedef {object} EdgesDrawn
 * @property {number} drawn
 * @property {number} of
 * @property {[number, number, string][]} list
 */

/**
 * Block.
 * @typedef {object} Block
 * @property {number} layer
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {string} words
 * @property {number} rows
 * @property {number} columns
 */

/**
 * BlockPicture.
 * @typedef {object} BlockPicture
 * @property {number | null} largest
 * @property {Packed} shares
 */

/**
 * BlockShown.
 * @typedef {object} BlockShown
 * @property {number} layer
 * @property {Record<string, BlockPicture>} pictures
 */

/**
 * More.
 * @typedef {object} More
 * @property {number} layer
 * @property {number} x
 * @property {number} y
 * @property {string} words
 */

/**
 * NetworkList.
 * @typedef {object} NetworkList
 * @property {number} width
 * @property {number} height
 * @property {number} radius
 * @property {LayerHead[]} layers
 * @property {Neuron[]} neurons
 * @property {EdgesDrawn} edges
 * @property {Block[]} blocks
 * @property {More[]} more
 */

/**
 * Named.
 * @typedef {object} Named
 * @property {string} name
 * @property {string} title
 */

/**
 * Hello.
 * @typedef {object} Hello
 * @property {number} protocol
 * @property {string} version
 * @property {string} title
 * @property {number} generation
 * @property {Source} source
 * @property {Column[]} columns
 * @property {Target} target
 * @property {RowCounts} rows
 * @property {FieldGroup[]} form
 * @property {NetworkList} network
 * @property {boolean} cells
 * @property {string[]} grains
 * @property {Named[]} notations
 * @property {number} members
 * @property {number} steps_per_epoch
 * @property {number | null} epochs
 * @property {string} unit
 * @property {Record<string, unknown>} limits
 * @property {string[]} notes
 * @property {RecordedFile} [recorded]
 */

/**
 * RecordedFile.
 * @typedef {object} RecordedFile
 * @property {string | null} command
 * @property {string | null} run
 * @property {number[]} rows
 * @property {number[]} whole
 * @property {number} stops
 * @property {number} updates
 * @property {WhatIfAbout} whatif
 */

/**
 * WhatIfAbout.
 * @typedef {object} WhatIfAbout
 * @property {number} at
 * @property {number | null} kept
 * @property {string | null} refused
 * @property {number} numbers
 * @property {number} off
 */

/**
 * WhatIfShown.
 * @typedef {object} WhatIfShown
 * @property {number} at
 * @property {number | null} row
 * @property {EditShown[]} edits
 */

/**
 * Packed.
 * @typedef {object} Packed
 * @property {string} dtype
 * @property {number[]} shape
 * @property {string} base64
 */

/**
 * NeuronPacked.
 * @typedef {object} NeuronPacked
 * @property {Packed} [a]
 * @property {Packed} [z]
 * @property {Packed} [delta]
 * @property {Packed} [slope]
 */

/**
 * ParameterPacked.
 * @typedef {object} ParameterPacked
 * @property {Packed} [weight]
 * @property {Packed} [gradient]
 * @property {Packed} [change]
 * @property {Packed} [meant]
 */

/**
 * FrameArrays.
 * @typedef {object} FrameArrays
 * @property {NeuronPacked} neurons
 * @property {ParameterPacked} edges
 * @property {ParameterPacked} biases
 */

/**
 * Batch.
 * @typedef {object} Batch
 * @property {number} size
 * @property {number[]} rows
 */

/**
 * NamedValue.
 * @typedef {object} NamedValue
 * @property {string} name
 * @property {number | null} value
 */

/**
 * AnswerShown.
 * @typedef {object} AnswerShown
 * @property {string} words
 * @property {unknown} value
 * @property {unknown} truth
 * @property {boolean | null} right
 * @property {NamedValue[]} each
 */

/**
 * CellStep.
 * @typedef {object} CellStep
 * @property {string} words
 */

/**
 * CellShown.
 * @typedef {object} CellShown
 * @property {string} column
 * @property {string} cell
 * @property {CellStep[]} steps
 * @property {string[]} inputs
 */

/**
 * Checks.
 * @typedef {object} Checks
 * @property {number} compared
 * @property {number} wrong
 * @property {string | null} worst
 */

/**
 * Place.
 * @typedef {object} Place
 * @property {string} pass
 * @property {number | null} layer
 * @property {number | null} neuron
 * @property {number | null} term
 * @property {string} [step]
 * @property {number} index
 * @property {number} of
 */

/**
 * Term.
 * @typedef {object} Term
 * @property {string} address
 * @property {[string, number | null][]} factors
 * @property {number | null} product
 * @property {boolean} done
 * @property {string[]} [names]
 */

/**
 * Rest.
 * @typedef {object} Rest
 * @property {number} count
 * @property {number | null} value
 */

/**
 * SumShown.
 * @typedef {object} SumShown
 * @property {string} address
 * @property {string} [name]
 * @property {number | null} so_far
 * @property {number | null} value
 * @property {boolean} done
 */

/**
 * CurveShown.
 * @typedef {object} CurveShown
 * @property {Nested[]} nodes
 */

/**
 * Stage.
 * @typedef {object} Stage
 * @property {string} title
 * @property {string} said
 * @property {string[]} lit
 * @property {Term[]} terms
 * @property {Rest | null} rest
 * @property {SumShown | null} sum
 * @property {Nested[]} nodes
 * @property {CurveShown | null} curve
 * @property {boolean | null} [ok]
 * @property {string | null} [flow]
 */

/**
 * Frame.
 * @typedef {object} Frame
 * @property {number} seq
 * @property {number} generation
 * @property {number} t
 * @property {number} frontier
 * @property {number | null} updates
 * @property {number} epoch
 * @property {number} steps_per_epoch
 * @property {"ready" | "training" | "paused" | "ended" | "diverged" | "failed"} phase
 * @property {boolean} playing
 * @property {number} direction
 * @property {number} speed
 * @property {"term" | "neuron" | "layer" | "pass" | "update" | "epoch"} grain
 * @property {string | null} driver
 * @property {number} member
 * @property {string} notation
 * @property {number | null} row
 * @property {number | null} [row_picked]
 * @property {number | null} row_in_batch
 * @property {Checks | null} [checks]
 * @property {Batch} batch
 * @property {number | null} eta
 * @property {number | null} cost
 * @property {number | null} cost_new
 * @property {number | null} row_loss
 * @property {AnswerShown | null} answer
 * @property {AnswerShown | null} [together]
 * @property {CellShown[]} cells
 * @property {BlockShown[]} [blocks]
 * @property {Record<string, string>} [flags]
 * @property {string[]} [frozen]
 * @property {FindingShown[]} [findings]
 * @property {boolean} [follows]
 * @property {number} [run]
 * @property {BranchShown | null} [branch]
 * @property {RunLine[]} [runs]
 * @property {WasShown} [was]
 * @property {string[]} [told]
 * @property {number | null} [kept]
 * @property {Record<string, unknown>} [settings]
 * @property {WhatIfShown} [whatif]
 * @property {Place} place
 * @property {boolean} [withheld]
 * @property {Stage | null} stage
 * @property {Record<string, string>} [names]
 * @property {FrameArrays} arrays
 */

/**
 * CurveNews.
 * @typedef {object} CurveNews
 * @property {number} generation
 * @property {number[]} epochs
 * @property {(number | null)[]} training
 * @property {(number | null)[] | null} validation
 * @property {(number | null)[]} rate
 * @property {(number | null)[]} gradient
 * @property {boolean} [whole]
 */

/**
 * Untold.
 * @typedef {object} Untold
 * @property {Nested[]} nodes
 * @property {boolean} done
 */

/**
 * LessonShown.
 * @typedef {object} LessonShown
 * @property {string} name
 * @property {string} title
 * @property {string} source
 * @property {string[]} titles
 * @property {number} number
 * @property {number} of
 * @property {number} passed
 * @property {Nested[]} nodes
 * @property {string[]} light
 * @property {string | null} tab
 * @property {Untold | null} until
 * @property {boolean} may_go
 * @property {Named[]} others
 */

/**
 * ReplyShown.
 * @typedef {object} ReplyShown
 * @property {string} given
 * @property {boolean} right
 * @property {number} tries
 * @property {Nested[]} nodes
 */

/**
 * TruthShown.
 * @typedef {object} TruthShown
 * @property {Nested[]} nodes
 * @property {number | null} right
 * @property {Nested[]} gap
 */

/**
 * QuestionShown.
 * @typedef {object} QuestionShown
 * @property {string} id
 * @property {string} kind
 * @property {Nested[]} nodes
 * @property {Nested[][]} options
 * @property {boolean} guess
 * @property {boolean} may_reveal
 * @property {boolean} opened
 * @property {ReplyShown | null} reply
 * @property {TruthShown | null} truth
 */

/**
 * LessonNews.
 * @typedef {object} LessonNews
 * @property {LessonShown | null} lesson
 * @property {QuestionShown | null} question
 * @property {boolean} asks
 * @property {Named | null} offer
 */

/**
 * StatusNews.
 * @typedef {object} StatusNews
 * @property {"ready" | "training" | "paused" | "ended" | "diverged" | "failed"} phase
 * @property {string} words
 */

/**
 * ProblemNews.
 * @typedef {object} ProblemNews
 * @property {string} words
 * @property {string | null} [remedy]
 */

/**
 * Bye.
 * @typedef {object} Bye
 * @property {string} words
 */

/**
 * Done.
 * @typedef {object} Done
 * @property {boolean} [ok]
 * @property {number} [seq]
 * @property {string} [problem]
 */

/**
 * NumberAnswer.
 * @typedef {object} NumberAnswer
 * @property {string} address
 * @property {string} title
 * @property {number | null} value
 * @property {Nested[]} nodes
 * @property {boolean | null} ok
 * @property {ChangeOffered} [change]
 * @property {string[]} [forms]
 */

/**
 * ChangeOffered.
 * @typedef {object} ChangeOffered
 * @property {"number" | "setting" | "activation" | "cells"} kind
 * @property {number | string | null} value
 * @property {string} [address]
 * @property {number} [reach]
 * @property {boolean | null} [frozen]
 * @property {string} [name]
 * @property {number} [layer]
 * @property {number} [row]
 * @property {string} [column]
 * @property {string[]} [choices]
 */

/**
 * PictureAnswer.
 * @typedef {object} PictureAnswer
 * @property {string} title
 * @property {Nested[]} nodes
 * @property {Nested[]} table
 */

/**
 * PlaneTick.
 * @typedef {object} PlaneTick
 * @property {number} at
 * @property {string} words
 */

/**
 * PlaneSide.
 * @typedef {object} PlaneSide
 * @property {string} name
 * @property {"number" | "datetime" | "words"} kind
 * @property {number} low
 * @property {number} high
 * @property {PlaneTick[]} ticks
 * @property {number} side
 */

/**
 * PlaneLine.
 * @typedef {object} PlaneLine
 * @property {string} label
 * @property {Packed} points
 */

/**
 * PlanePoints.
 * @typedef {object} PlanePoints
 * @property {number[]} rows
 * @property {number} of
 * @property {number[]} x
 * @property {number[]} y
 * @property {boolean[]} training
 * @property {(number | null)[]} truth
 * @property {string[]} classes
 */

/**
 * PlaneHeats.
 * @typedef {object} PlaneHeats
 * @property {Packed} pictures
 * @property {(number | null)[]} largest
 */

/**
 * PlaneShown.
 * @typedef {object} PlaneShown
 * @property {string} name
 * @property {string} title
 */

/**
 * PlaneAnswer.
 * @typedef {object} PlaneAnswer
 * @property {number} generation
 * @property {number} t
 * @property {PlaneSide} x
 * @property {PlaneSide} y
 * @property {string} show
 * @property {"share" | "classes" | "number" | "neuron"} kind
 * @property {string} title
 * @property {string} unit
 * @property {string[]} classes
 * @property {Packed} values
 * @property {Packed | null} codes
 * @property {number | null} low
 * @property {number | null} high
 * @property {PlaneLine[]} lines
 * @property {string} held
 * @property {string[]} [columns]
 * @property {PlaneShown[]} [shows]
 * @property {PlanePoints} [points]
 * @property {PlaneHeats} [heats]
 */

/**
 * HillHere.
 * @typedef {object} HillHere
 * @property {number} x
 * @property {number} y
 * @property {number | null} cost
 * @property {number | null} surface
 */

/**
 * HillPath.
 * @typedef {object} HillPath
 * @property {string} name
 * @property {string} words
 * @property {number[]} steps
 * @property {number[]} x
 * @property {number[]} y
 * @property {(number | null)[]} cost
 * @property {(number | null)[]} surface
 */

/**
 * HillAnswer.
 * @typedef {object} HillAnswer
 * @property {number} generation
 * @property {number} t
 * @property {string} kind
 * @property {string} a
 * @property {string} b
 * @property {string[]} parameters
 * @property {PlaneSide} x
 * @property {PlaneSide} y
 * @property {Packed} heights
 * @property {Packed} shares
 * @property {number} low
 * @property {number} high
 * @property {string} legend
 * @property {PlaneLine[]} lines
 * @property {HillHere} here
 * @property {HillPath[]} paths
 * @property {boolean} whole
 * @property {string} rows
 * @property {string[]} said
 */

/**
 * TakeAnswer.
 * @typedef {object} TakeAnswer
 * @property {string} [name]
 * @property {string} [mime]
 * @property {string} [base64]
 * @property {string} [text]
 */

/**
 * Session.
 * @typedef {object} Session
 * @property {string} token
 * @property {string} client
 */

/**
 * The command build.
 * @typedef {object} BuildCommand
 * @property {"build"} do
 * @property {string | string[] | null} [target]
 * @property {string[] | null} [inputs]
 * @property {Record<string, unknown>} [settings]
 * @property {"small" | "full"} [recipe]
 * @property {boolean} [beside]
 */

/**
 * The command step.
 * @typedef {object} StepCommand
 * @property {"step"} do
 * @property {"term" | "neuron" | "layer" | "pass" | "update" | "epoch"} grain
 * @property {number} by
 */

/**
 * The command play.
 * @typedef {object} PlayCommand
 * @property {"play"} do
 * @property {"term" | "neuron" | "layer" | "pass" | "update" | "epoch"} grain
 * @property {number} speed
 * @property {number} direction
 */

/**
 * The command pause.
 * @typedef {object} PauseCommand
 * @property {"pause"} do
 */

/**
 * The command run_to.
 * @typedef {object} RunToCommand
 * @property {"run_to"} do
 * @property {number} [t]
 * @property {number} [epoch]
 */

/**
 * The command train.
 * @typedef {object} TrainCommand
 * @property {"train"} do
 */

/**
 * The command seek.
 * @typedef {object} SeekCommand
 * @property {"seek"} do
 * @property {number} t
 * @property {PlaceAsked | null} [place]
 */

/**
 * The command reset.
 * @typedef {object} ResetCommand
 * @property {"reset"} do
 */

/**
 * The command row.
 * @typedef {object} RowCommand
 * @property {"row"} do
 * @property {number | null} number
 */

/**
 * The command member.
 * @typedef {object} MemberCommand
 * @property {"member"} do
 * @property {number} number
 */

/**
 * The command notation.
 * @typedef {object} NotationCommand
 * @property {"notation"} do
 * @property {string} name
 */

/**
 * The command open_test.
 * @typedef {object} OpenTestCommand
 * @property {"open_test"} do
 */

/**
 * The command lesson.
 * @typedef {object} LessonCommand
 * @property {"lesson"} do
 * @property {string | null} [name]
 * @property {number} [number]
 * @property {number} [passed]
 */

/**
 * The command answer.
 * @typedef {object} AnswerCommand
 * @property {"answer"} do
 * @property {string} given
 */

/**
 * The command reveal.
 * @typedef {object} RevealCommand
 * @property {"reveal"} do
 */

/**
 * The command predict.
 * @typedef {object} PredictCommand
 * @property {"predict"} do
 * @property {boolean} on
 */

/**
 * The command take_over.
 * @typedef {object} TakeOverCommand
 * @property {"take_over"} do
 */

/**
 * The command edit.
 * @typedef {object} EditCommand
 * @property {"edit"} do
 * @property {EditAsked[]} edits
 * @property {boolean} [again]
 * @property {boolean} [anew]
 */

/**
 * The command undo.
 * @typedef {object} UndoCommand
 * @property {"undo"} do
 */

/**
 * The command run.
 * @typedef {object} RunCommand
 * @property {"run"} do
 * @property {number} number
 */

/**
 * The command close_run.
 * @typedef {object} CloseRunCommand
 * @property {"close_run"} do
 * @property {number} number
 */

/**
 * The command end.
 * @typedef {object} EndCommand
 * @property {"end"} do
 */

/** @typedef {BuildCommand | StepCommand | PlayCommand | PauseCommand | RunToCommand | TrainCommand | SeekCommand | ResetCommand | RowCommand | MemberCommand | NotationCommand | OpenTestCommand | LessonCommand | AnswerCommand | RevealCommand | PredictCommand | TakeOverCommand | EditCommand | UndoCommand | RunCommand | CloseRunCommand | EndCommand} Command */
