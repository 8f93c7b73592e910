// Made by chainrule.studio.messages from the shapes of the protocol; a test compares.

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
 * @property {CellShown[]} cells
 * @property {BlockShown[]} [blocks]
 * @property {Record<string, string>} [flags]
 * @property {Place} place
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
 */

/**
 * PictureAnswer.
 * @typedef {object} PictureAnswer
 * @property {string} title
 * @property {Nested[]} nodes
 * @property {Nested[]} table
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
 * The command take_over.
 * @typedef {object} TakeOverCommand
 * @property {"take_over"} do
 */

/**
 * The command end.
 * @typedef {object} EndCommand
 * @property {"end"} do
 */

/** @typedef {BuildCommand | StepCommand | PlayCommand | PauseCommand | RunToCommand | TrainCommand | SeekCommand | ResetCommand | RowCommand | MemberCommand | NotationCommand | OpenTestCommand | TakeOverCommand | EndCommand} Command */
